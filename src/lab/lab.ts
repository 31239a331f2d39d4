import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { JsonObject } from '../model/json.js'
import { safeSegment } from '../model/safe-segment.js'
import { Admission, type AdmissionRule } from './admission/admission.js'
import { createAuthority, type Authority } from './access/certificates.js'
import { kubeconfigText, type Credential } from './access/kubeconfig.js'
import type { AccessRuleLike } from './access/rules.js'
import { MASTERS, Users } from './access/users.js'
import { policyResources, type LabPolicyApi } from './api/policy-apis.js'
import { resourcesOf, type LabVersion } from './api/resources.js'
import { startControlLoop } from './controllers/control-loop.js'
import type { Pace } from './controllers/context.js'
import { LabClock } from './clock.js'
import type { LabFault } from './faults/fault.js'
import { Faults } from './faults/faults.js'
import { withEphemerals } from './kubelet/ephemeral-container.js'
import { withTwins } from './kubelet/twin.js'
import { LogBook } from './kubelet/log-book.js'
import { firstVersion, labObjects, plant, type LabObjects } from './objects.js'
import { startLabRegistry, type LabRegistryOptions, type LabRegistryRequest } from './registry/registry.js'
import { LabNetwork } from './network/network.js'
import { Freezer } from './node/freezer.js'
import { withNodePods } from './node/node-container.js'
import type { LabRequest } from './requests.js'
import { serveApi } from './server.js'
import { seedShop, SHOP_REGISTRY_HOST } from './shop/shop.js'
import { uidOf } from './store/object.js'
import { Store } from './store/store.js'
import type { LabSeed } from './types.js'

export interface LabOptions {
  /** What the lab starts with; the shop if not said. */
  readonly seed?: (options: { readonly now: Date; readonly registryHost: string }) => LabSeed
  /** Where kubeconfigs go: it must exist. If not said, a new one below the system's temporary folder, removed by close(). */
  readonly directory?: string
  /** Which Kubernetes is played; 1.36 if not said. */
  readonly version?: LabVersion
  /** Policies of network plugins that are served besides; none if not said. */
  readonly policyApis?: readonly LabPolicyApi[]
  /** Whether NetworkPolicies decide who reaches whom, as with a network plugin that enforces them; not if not said. */
  readonly enforcePolicies?: boolean
  readonly now?: () => Date
  readonly pace?: Partial<Pace>
  /** What goes wrong, from the beginning on. */
  readonly faults?: readonly LabFault[]
  readonly registry?: LabRegistryOptions
  /** What admission refuses, warns of or changes, beside Pod Security, which namespaces ask for by label. */
  readonly admission?: readonly AdmissionRule[]
  /** Told of every request when its answer is on its way, or its stream open. */
  readonly log?: (request: LabRequest) => void
}

/** A Kubernetes API with a small cluster behind it and an image registry, all in this process. */
export interface Lab {
  readonly url: string
  /** Path of an admin's kubeconfig (client certificate, context 'lab'). */
  readonly kubeconfig: string
  /** Path of a new kubeconfig (bearer token) of a user with exactly these rights, beside what every user has. */
  kubeconfigFor(
    user: string,
    rules: readonly AccessRuleLike[],
    extra?: Readonly<Record<string, readonly string[]>>,
  ): Promise<string>
  readonly suspect: LabSeed['suspect']
  /** `host` is what image references name, `url` where the lab serves it. */
  readonly registry: {
    readonly host: string
    readonly url: string
    readonly requests: readonly LabRegistryRequest[]
  }
  /** The requests so far, in order of arrival; of a great many the last 20,000. */
  readonly requests: readonly LabRequest[]
  /** The API server's audit log, audit.k8s.io/v1 at level Metadata, an entry a request; the last 20,000. */
  readonly audit: readonly JsonObject[]
  readonly objects: LabObjects
  readonly faults: Faults
  readonly admission: Admission
  /** Has a container write a line to its log, now. */
  appendLog(namespace: string, pod: string, container: string, text: string): void
  /** Tokens of this user are refused from now on, as expired ones are. */
  revokeTokens(user: string): void
  /** Continue tokens given out so far are answered with 410 from now on. */
  compact(): void
  /** Resolves when controllers and kubelets have nothing left to do. */
  settled(): Promise<void>
  close(): Promise<void>
}

const REQUESTS_KEPT = 20_000

/** How fast the lab's controllers are if nothing is said: quick, but not at once, as in a real cluster. */
const PACE: Pace = { react: 30, start: 300 }

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const clock = new LabClock(options.now ?? (() => new Date()))
  const { now } = clock
  const seed = (options.seed ?? seedShop)({ now: now(), registryHost: SHOP_REGISTRY_HOST })
  const profile = options.version ?? '1.36'
  const resources = [...resourcesOf(profile), ...policyResources(options.policyApis ?? [])]
  const store = new Store(firstVersion(seed.objects))
  plant(store, seed.objects, resources)

  const users = new Users(store)
  const admission = new Admission(options.admission)
  const logs = new LogBook()
  const requests: LabRequest[] = []
  const audit: JsonObject[] = []
  const servers: { accept(): Promise<void> }[] = []
  const faults = new Faults(options.faults, () => {
    clock.settle()
    for (const server of servers) void server.accept()
  })
  const runtime = withEphemerals(seed.runtime, store, now)
  const network = new LabNetwork(store, runtime, options.enforcePolicies === true)
  const authority = await createAuthority(now())
  const server = await serveApi({
    context: {
      profile,
      resources,
      store,
      users,
      admission,
      logs,
      runtime: withTwins(
        withNodePods({ runtime, store, network, freezer: new Freezer(), profile, now }),
        network,
        store,
        now,
      ),
      now,
    },
    tls: { ...(await authority.server()), authority: authority.certificate },
    faults,
    clock,
    onRequest: (request) => keep(requests, request),
    onAnswer: (request, entry) => {
      keep(audit, entry)
      options.log?.(request)
    },
  })
  const registry = await startLabRegistry(seed.images, options.registry, faults, now)
  servers.push(server, registry)
  const loop = startControlLoop({ store, now, pace: { ...PACE, ...options.pace } })
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'impound-lab-')))
  const write = kubeconfigWriter(directory, server.url, authority)

  return {
    url: server.url,
    kubeconfig: await write('admin', 'admin', {
      kind: 'certificate',
      pair: await authority.client('lab-admin', [MASTERS]),
    }),
    kubeconfigFor: (user, rules, extra) => {
      users.grant(user, rules)
      return write(`user-${user}`, user, { kind: 'token', token: users.issueToken(user, [], extra) })
    },
    suspect: seed.suspect,
    registry: { host: SHOP_REGISTRY_HOST, url: registry.url, requests: registry.requests },
    requests,
    audit,
    objects: labObjects(store, resources),
    faults,
    admission,
    appendLog: (namespace, name, container, text) => {
      const pod = store.get('pods', { namespace, name })
      if (pod === undefined) throw new Error(`the lab has no pod ${namespace}/${name}`)
      logs.append(uidOf(pod), container, { time: now().toISOString(), text })
    },
    revokeTokens: (user) => users.revokeTokens(user),
    compact: () => store.compact(),
    settled: () => loop.settled(),
    close: async () => {
      loop.close()
      await Promise.all([server.close(), registry.close()])
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}

function keep<T>(log: T[], entry: T): void {
  log.push(entry)
  if (log.length > REQUESTS_KEPT) log.shift()
}

function kubeconfigWriter(
  directory: string,
  url: string,
  authority: Authority,
): (file: string, user: string, credential: Credential) => Promise<string> {
  return async (file, user, credential) => {
    const path = join(directory, `${safeSegment(file)}.kubeconfig`)
    await writeFile(path, kubeconfigText(url, authority.certificate, user, credential), { mode: 0o600 })
    return path
  }
}
