import { Flags } from '@oclif/core'

import { DEFAULT_NODE_IMAGE } from '../engine/node-image.js'
import type { ClusterRequest } from '../engine/request.js'
import { ImpoundError } from '../model/errors.js'
import type { Platform } from '../model/ports/registry.js'

const CLUSTER = 'CLUSTER'
const EVIDENCE = 'EVIDENCE'
const OUTPUT = 'OUTPUT'
const CONTAINMENT = 'QUARANTINE'

/** A span such as 30s, 500ms, 2m, or a bare number of seconds, in milliseconds. */
const duration = Flags.custom<number>({
  parse: (given) => Promise.resolve(parseDuration(given)),
})

/** A size such as 2GiB, 500MB, 10k, or a bare number of bytes. */
const size = Flags.custom<number>({
  parse: (given) => Promise.resolve(parseSize(given)),
})

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

export function parseDuration(given: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(given)
  const unit = DURATION_UNITS[match?.[2] ?? 's']
  if (match?.[1] === undefined || unit === undefined || Number(match[1]) <= 0) {
    throw new ImpoundError('usage', `"${given}" is no length of time`, {
      hints: ['write 500ms, 30s, 2m or 1h'],
    })
  }
  return Math.round(Number(match[1]) * unit)
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
  t: 1e12,
  tb: 1e12,
  tib: 2 ** 40,
}

export function parseSize(given: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(given)
  const unit = SIZE_UNITS[(match?.[2] ?? '').toLowerCase()]
  if (match?.[1] === undefined || unit === undefined) {
    throw new ImpoundError('usage', `"${given}" is no size`, {
      hints: ['write 500MB, 2GiB or a number of bytes'],
    })
  }
  return Math.round(Number(match[1]) * unit)
}

/** 'linux/arm64/v8' */
export function platformFrom(given: string): Platform {
  const [os = '', architecture = '', variant, ...more] = given.split('/')
  if (!/^[a-z0-9]+$/.test(os) || !/^[a-z0-9]+$/.test(architecture) || more.length > 0) {
    throw new ImpoundError('usage', `"${given}" is no platform`, {
      hints: ['write linux/amd64, or linux/arm/v7'],
    })
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

export const jsonFlag = {
  json: Flags.boolean({ summary: 'print the result as one JSON document on stdout', helpGroup: OUTPUT }),
}

export const jsonLinesFlag = {
  'json-lines': Flags.boolean({
    summary: 'as --json, with a line for each step on the way',
    helpGroup: OUTPUT,
    exclusive: ['json'],
  }),
}

/** kubectl's own flags, by kubectl's names. */
export const clusterFlags = {
  kubeconfig: Flags.string({ summary: 'kubeconfig file', helpGroup: CLUSTER, helpValue: 'FILE' }),
  context: Flags.string({ summary: 'context of the kubeconfig', helpGroup: CLUSTER, helpValue: 'NAME' }),
  namespace: Flags.string({
    char: 'n',
    summary: 'namespace of the target',
    helpGroup: CLUSTER,
    helpValue: 'NAME',
  }),
  as: Flags.string({ summary: 'act as this user (impersonation)', helpGroup: CLUSTER, helpValue: 'USER' }),
  'as-group': Flags.string({
    summary: 'and in this group; may be repeated',
    helpGroup: CLUSTER,
    helpValue: 'GROUP',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'request-timeout': duration({
    summary: 'longest wait for one answer of the API server',
    helpGroup: CLUSTER,
    helpValue: 'TIME',
    default: 30_000,
    defaultHelp: () => Promise.resolve('30s'),
  }),
}

export const selectorFlag = {
  selector: Flags.string({
    char: 'l',
    summary: 'label selector, instead of names',
    helpGroup: CLUSTER,
    helpValue: 'SELECTOR',
  }),
}

export const caseFlags = {
  case: Flags.string({
    summary: 'name of the incident; made up if not given',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
  }),
  examiner: Flags.string({ summary: 'who examines, for the record', helpGroup: EVIDENCE, helpValue: 'NAME' }),
  authority: Flags.string({
    summary: 'by whose order, for the record',
    helpGroup: EVIDENCE,
    helpValue: 'TEXT',
  }),
  output: Flags.string({
    char: 'o',
    summary: 'folder for the archive, or - for the archive itself on stdout [default: ./<case>]',
    helpGroup: OUTPUT,
    helpValue: 'DIR',
  }),
  ...jsonLinesFlag,
}

export const nodePodFlags = {
  'node-image': Flags.string({
    summary: 'image of the pod on the node, best by digest; docs/node-pod.md says what it must have',
    helpGroup: EVIDENCE,
    helpValue: 'IMAGE',
    default: DEFAULT_NODE_IMAGE,
    defaultHelp: () => Promise.resolve('debian:bookworm-slim, by digest'),
  }),
  'node-namespace': Flags.string({
    summary: 'namespace of the pod on the node [default: one that is made for it and removed]',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
  }),
}

/** Which registries may be asked, and with whose credentials. */
export const registryFlags = {
  registry: Flags.string({
    summary:
      'registry that may be asked: auto (the well-known ones), never, HOST, or HOST=URL to ask a mirror',
    helpGroup: EVIDENCE,
    helpValue: 'HOST',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'registry-config': Flags.string({
    summary: 'docker configuration with credentials for registries [default: ~/.docker/config.json]',
    helpGroup: EVIDENCE,
    helpValue: 'FILE',
  }),
}

/** For commands that start nothing but a pod on the node. */
export const allowNodeFlags = {
  allow: Flags.string({
    summary: 'what may be started in the cluster: node (a privileged pod on the suspect’s node)',
    helpGroup: CONTAINMENT,
    helpValue: 'node',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['node'],
  }),
  ...nodePodFlags,
}

export const evidenceFlags = {
  allow: Flags.string({
    summary:
      'what may be started in the cluster for evidence: exec (processes in the suspect container), ephemeral (a container of ours in the pod, which stays in its spec), node (a privileged pod on its node)',
    helpGroup: EVIDENCE,
    helpValue: 'exec,ephemeral,node',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['exec', 'ephemeral', 'node'],
  }),
  ...nodePodFlags,
  'ephemeral-image': Flags.string({
    summary:
      'image of the ephemeral container; it needs the same as that of the pod on the node [default: --node-image]',
    helpGroup: EVIDENCE,
    helpValue: 'IMAGE',
  }),
  paranoid: Flags.boolean({
    summary:
      'with exec and ephemeral: read every file, also those that seem to be the image’s by their ctime, size and mode',
    helpGroup: EVIDENCE,
  }),
  memory: Flags.string({
    summary:
      'take the memory of this process, by its PID in the container; needs --allow node; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: '[CONTAINER/]PID',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'node-triage': Flags.boolean({
    summary:
      'take what tells whether the node itself was changed: journals, units, cron, SSH keys, static pods; needs --allow node',
    helpGroup: EVIDENCE,
  }),
  skip: Flags.string({
    summary: 'a collector to leave out; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  ...registryFlags,
  'image-archive': Flags.string({
    summary: 'OCI layout or docker-archive to compare with, in place of a registry; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'use-pull-secrets': Flags.boolean({
    summary: "read the pod's pull secrets and show them to its registries, where those want credentials",
    helpGroup: EVIDENCE,
  }),
  'max-log': size({
    summary: 'most bytes of one log',
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 2 ** 31,
    defaultHelp: () => Promise.resolve('2GiB'),
  }),
  'max-content': size({
    summary: "most bytes of changed files' content, a container",
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 2 ** 31,
    defaultHelp: () => Promise.resolve('2GiB'),
  }),
  'stall-timeout': duration({
    summary: 'a stream that moves no byte for so long is given up',
    helpGroup: EVIDENCE,
    helpValue: 'TIME',
    default: 30_000,
    defaultHelp: () => Promise.resolve('30s'),
  }),
}

/** When evidence and containment come. */
export const orderFlags = {
  'volatile-budget': duration({
    summary: 'longest time that containment waits for volatile evidence, which goes on after it',
    helpGroup: EVIDENCE,
    helpValue: 'TIME',
    default: 10_000,
    defaultHelp: () => Promise.resolve('10s'),
  }),
  'contain-first': Flags.boolean({
    summary: 'contain right after the API reads, before volatile evidence',
    helpGroup: CONTAINMENT,
  }),
}

/** What a seizure may end with. */
export const killFlags = {
  kill: Flags.boolean({
    summary: 'delete the pod at the end, only once the archive is sealed and verified',
    helpGroup: CONTAINMENT,
  }),
}

export const confirmFlags = {
  yes: Flags.boolean({ char: 'y', summary: 'confirm the plan without asking; adds nothing to it' }),
  'dry-run': Flags.boolean({ summary: 'show the plan and change nothing' }),
}

/** What contains beside the quarantine, each by a flag of its name. */
export const actionFlags = {
  'patch-residuals': Flags.boolean({
    summary: 'exclude the suspect from policies that would still let it through',
    helpGroup: CONTAINMENT,
  }),
  cordon: Flags.boolean({
    summary: 'let nothing new be scheduled to the suspect’s node',
    helpGroup: CONTAINMENT,
  }),
  'deny-access': Flags.boolean({
    summary:
      'refuse delete, eviction, exec, attach, port-forward and ephemeral containers on the pod to all but you and its kubelet (Kubernetes 1.30)',
    helpGroup: CONTAINMENT,
  }),
  'block-token': Flags.boolean({
    summary: 'refuse writes by tokens that are bound to the pod (Kubernetes 1.30)',
    helpGroup: CONTAINMENT,
  }),
  'detach-bindings': Flags.boolean({
    summary:
      'take the pod’s service account off the bindings that name it; other pods of the account lose it too',
    helpGroup: CONTAINMENT,
  }),
  'drop-connections': Flags.boolean({
    summary:
      'drop all packets in the pod’s own network but what its node begins; needs --allow node, or n at the plan',
    helpGroup: CONTAINMENT,
  }),
  freeze: Flags.boolean({
    summary: 'freeze the processes of the pod; needs --allow node, or n at the plan',
    helpGroup: CONTAINMENT,
  }),
  'detach-owner': Flags.boolean({
    summary: 'take the pod from a controller that is none of Kubernetes’ own, before its labels go',
    helpGroup: CONTAINMENT,
  }),
}

export const quarantineFlags = {
  'keep-label': Flags.string({
    summary: 'a label that the suspect keeps; may be repeated',
    helpGroup: CONTAINMENT,
    helpValue: 'KEY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'allow-outage': Flags.boolean({
    summary: 'go on where a Service loses its last ready endpoint',
    helpGroup: CONTAINMENT,
  }),
  ...actionFlags,
  'max-pods': Flags.integer({
    summary: 'most pods that one run may change',
    helpGroup: CONTAINMENT,
    helpValue: 'N',
    default: 1,
    min: 1,
  }),
}

/** What clusterFlags parse to. */
export interface ClusterFlagValues {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly namespace: string | undefined
  readonly as: string | undefined
  readonly 'as-group': string[] | undefined
  readonly 'request-timeout': number
}

export function clusterRequest(flags: ClusterFlagValues): ClusterRequest {
  const { kubeconfig, context, namespace, as } = flags
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(as === undefined ? {} : { as }),
    asGroups: flags['as-group'] ?? [],
    requestTimeoutMs: flags['request-timeout'],
  }
}
