import type { JsonObject } from '../../model/json.js'
import type { LabLogLine } from '../log-line.js'
import type { LabNetwork } from '../network/network.js'
import type { Inside } from '../shop/container/inside.js'
import type { Store } from '../store/store.js'
import type { LabVersion } from '../api/resources.js'
import type { Freezer } from './freezer.js'

/** A container on the node, as its runtime has it. */
export interface ContainerOnNode {
  readonly pod: JsonObject
  readonly name: string
  /** 64 hex digits. */
  readonly id: string
  readonly running: boolean
  /** As its runtime has it; undefined where there was no such run. */
  readonly log?: (previous: boolean) => readonly LabLogLine[] | undefined
  /** Absent where the lab has no inside for it. */
  readonly inside?: Inside
}

/** What a script of ours on a node is played by. */
export interface NodeCall {
  readonly node: string
  /** The pod of ours in which it runs. */
  readonly pod: JsonObject
  readonly args: readonly string[]
  readonly store: Store
  readonly containers: readonly ContainerOnNode[]
  readonly network: LabNetwork
  readonly freezer: Freezer
  readonly profile: LabVersion
  readonly now: Date
  readonly signal: AbortSignal
  /** Stdout: counted and hashed by the frame around it. */
  readonly out: (bytes: string | Uint8Array) => Promise<void>
  readonly err: (text: string) => Promise<void>
}

/** Returns its exit status. */
export type NodeProgram = (call: NodeCall) => number | Promise<number>
