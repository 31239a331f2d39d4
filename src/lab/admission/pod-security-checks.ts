import { asArray, asObject, asString, at, type JsonObject } from '../../model/json.js'
import { objectsIn } from '../store/object.js'

/** One check of a Pod Security Standard: what is wrong, undefined where nothing is. */
export interface PodCheck {
  readonly id: string
  readonly reason: string
  /** The check of the lower level that this one makes unnecessary. */
  readonly replaces?: string
  readonly check: (spec: JsonObject) => string | undefined
}

const DEFAULT_CAPABILITIES = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]

const RESTRICTED_VOLUMES = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim'],
  ...['projected', 'secret'],
]

/** In the order in which the server says them. Source: k8s.io/pod-security-admission, policy. */
export const BASELINE: readonly PodCheck[] = [
  {
    id: 'capabilities_baseline',
    reason: 'non-default capabilities',
    check: (spec) => {
      const bad = containers(spec).filter((one) =>
        added(one).some((name) => !DEFAULT_CAPABILITIES.includes(name)),
      )
      const names = [...new Set(bad.flatMap(added).filter((name) => !DEFAULT_CAPABILITIES.includes(name)))]
      return found(
        bad,
        (who) => `${who} must not include ${quoted(names.sort())} in securityContext.capabilities.add`,
      )
    },
  },
  {
    id: 'hostNamespaces',
    reason: 'host namespaces',
    check: (spec) => {
      const used = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true)
      return used.length === 0 ? undefined : used.map((field) => `${field}=true`).join(', ')
    },
  },
  {
    id: 'hostPathVolumes',
    reason: 'hostPath volumes',
    check: (spec) => {
      const volumes = objectsIn(spec.volumes).filter(({ hostPath }) => hostPath !== undefined)
      return volumes.length === 0 ? undefined : counted('volume', volumes)
    },
  },
  {
    id: 'hostPorts',
    reason: 'hostPort',
    check: (spec) => {
      const ports = (one: JsonObject): string[] =>
        objectsIn(one.ports).flatMap(({ hostPort }) =>
          typeof hostPort === 'number' && hostPort !== 0 ? [String(hostPort)] : [],
        )
      const bad = containers(spec).filter((one) => ports(one).length > 0)
      const all = [...new Set(bad.flatMap(ports))]
      return found(
        bad,
        (who) =>
          `${who} ${bad.length === 1 ? 'uses' : 'use'} ${all.length === 1 ? 'hostPort' : 'hostPorts'} ${all.join(', ')}`,
      )
    },
  },
  {
    id: 'privileged',
    reason: 'privileged',
    check: (spec) =>
      found(
        containers(spec).filter((one) => at(one, 'securityContext', 'privileged') === true),
        (who) => `${who} must not set securityContext.privileged=true`,
      ),
  },
  {
    id: 'seccompProfile_baseline',
    reason: 'seccompProfile',
    check: (spec) => {
      const unconfined = (one: JsonObject): boolean => seccomp(one) === 'Unconfined'
      const bad = containers(spec).filter(unconfined)
      const who = [
        ...(unconfined(spec) ? ['pod'] : []),
        ...(bad.length === 0 ? [] : [counted('container', bad)]),
      ]
      return who.length === 0
        ? undefined
        : `${who.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"`
    },
  },
]

/** In the order in which the server says them, after those of baseline. */
export const RESTRICTED: readonly PodCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    reason: 'allowPrivilegeEscalation != false',
    check: (spec) =>
      found(
        containers(spec).filter((one) => at(one, 'securityContext', 'allowPrivilegeEscalation') !== false),
        (who) => `${who} must set securityContext.allowPrivilegeEscalation=false`,
      ),
  },
  {
    id: 'capabilities_restricted',
    reason: 'unrestricted capabilities',
    replaces: 'capabilities_baseline',
    check: (spec) => {
      const kept = containers(spec).filter(
        (one) => !asArray(at(one, 'securityContext', 'capabilities', 'drop')).includes('ALL'),
      )
      const wide = containers(spec).filter((one) => added(one).some((name) => name !== 'NET_BIND_SERVICE'))
      const names = [...new Set(wide.flatMap(added).filter((name) => name !== 'NET_BIND_SERVICE'))]
      const details = [
        found(kept, (who) => `${who} must set securityContext.capabilities.drop=["ALL"]`),
        found(
          wide,
          (who) => `${who} must not include ${quoted(names.sort())} in securityContext.capabilities.add`,
        ),
      ].filter((detail) => detail !== undefined)
      return details.length === 0 ? undefined : details.join('; ')
    },
  },
  {
    id: 'restrictedVolumes',
    reason: 'restricted volume types',
    replaces: 'hostPathVolumes',
    check: (spec) => {
      const bad = objectsIn(spec.volumes).filter((volume) => !RESTRICTED_VOLUMES.includes(volumeType(volume)))
      const types = [...new Set(bad.map(volumeType))].sort()
      return bad.length === 0
        ? undefined
        : `${counted('volume', bad)} ${bad.length === 1 ? 'uses' : 'use'} restricted volume ${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`
    },
  },
  {
    id: 'runAsNonRoot',
    reason: 'runAsNonRoot != true',
    check: (spec) => {
      const own = (one: JsonObject): unknown => at(one, 'securityContext', 'runAsNonRoot')
      const refused = containers(spec).filter((one) => own(one) === false)
      if (own(spec) === false) return 'pod must not set securityContext.runAsNonRoot=false'
      if (refused.length > 0)
        return `${counted('container', refused)} must not set securityContext.runAsNonRoot=false`
      const silent = own(spec) === true ? [] : containers(spec).filter((one) => own(one) !== true)
      return found(silent, (who) => `pod or ${who} must set securityContext.runAsNonRoot=true`)
    },
  },
  {
    id: 'runAsUser',
    reason: 'runAsUser=0',
    check: (spec) => {
      const bad = containers(spec).filter((one) => at(one, 'securityContext', 'runAsUser') === 0)
      const who = [
        ...(at(spec, 'securityContext', 'runAsUser') === 0 ? ['pod'] : []),
        ...(bad.length === 0 ? [] : [counted('container', bad)]),
      ]
      return who.length === 0 ? undefined : `${who.join(' and ')} must not set runAsUser=0`
    },
  },
  {
    id: 'seccompProfile_restricted',
    reason: 'seccompProfile',
    replaces: 'seccompProfile_baseline',
    check: (spec) => {
      const good = (one: JsonObject): boolean => ['RuntimeDefault', 'Localhost'].includes(seccomp(one) ?? '')
      const bad = containers(spec).filter((one) => (seccomp(one) === undefined ? !good(spec) : !good(one)))
      return found(
        bad,
        (who) =>
          `pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      )
    },
  },
]

function containers(spec: JsonObject): readonly JsonObject[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) => objectsIn(spec[list]))
}

function added(container: JsonObject): readonly string[] {
  return asArray(at(container, 'securityContext', 'capabilities', 'add')).map((name) => asString(name) ?? '')
}

function seccomp(of: JsonObject): string | undefined {
  return asString(at(of, 'securityContext', 'seccompProfile', 'type'))
}

/** The one member of a volume beside its name; an empty one is an emptyDir. */
function volumeType(volume: JsonObject): string {
  return (
    Object.keys(volume).find((key) => key !== 'name' && asObject(volume[key]) !== undefined) ?? 'emptyDir'
  )
}

function found(bad: readonly JsonObject[], say: (who: string) => string): string | undefined {
  return bad.length === 0 ? undefined : say(counted('container', bad))
}

/** 'container "a"', 'containers "a", "b"'. */
function counted(noun: string, named: readonly JsonObject[]): string {
  const names = named.map(({ name }) => asString(name) ?? '')
  return `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`
}

function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ')
}
