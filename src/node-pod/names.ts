import { createHash } from 'node:crypto'

import type { ApiPath } from '../model/api-path.js'

/** The label by which the next run finds what a killed one left. */
export const NODE_POD_LABEL = 'impound.dev/node-pod'
export const RUN_LABEL = 'impound.dev/run'
export const CASE_LABEL = 'impound.dev/case'
/** Who started it, as JSON: {@link NodePodOwner}. */
export const OWNER_ANNOTATION = 'impound.dev/owner'

export const CONTAINER = 'node'

/** The process that a node pod belongs to. */
export interface NodePodOwner {
  /** Who, in the cluster's words or the laptop's. */
  readonly who: string
  readonly host: string
  readonly pid: number
}

/** 'impound-node-1f3a9c02-6a04c1': of the run and the node, at most one of each. */
export function nodePodName(run: string, node: string): string {
  return `impound-node-${runDigits(run)}-${createHash('sha256').update(node).digest('hex').slice(0, 6)}`
}

export function madeNamespaceName(run: string): string {
  return `impound-node-${runDigits(run)}`
}

/** A run is called '20261122T030033Z-1f3a9c02'; its random half is what names carry. */
function runDigits(run: string): string {
  return run.slice(run.lastIndexOf('-') + 1).toLowerCase()
}

/** A label's value may not end in a dot, dash or underscore; a case's name may. */
export function labelValue(text: string): string {
  return text.replace(/[^A-Za-z0-9]+$/, '')
}

export function namespacePath(name?: string): ApiPath {
  return {
    group: '',
    version: 'v1',
    resource: 'namespaces',
    ...(name === undefined ? {} : { name }),
  }
}
