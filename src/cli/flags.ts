import { Flags } from '@oclif/core'

import type { ClusterRequest } from '../engine/request.js'
import { CLUSTER, OUTPUT } from './flag-groups.js'
import { duration } from './flag-values.js'

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
