import { Writable } from 'node:stream'

import type { NodeSession } from '../model/ports/node-pod.js'
import { ImpoundError } from '../model/errors.js'

const MAX_OUTPUT = 4 << 20
const STALL_MS = 30_000
const MAX_LINES = 20_000

/** How a try to connect ended: `refused` is an answer too, of the far end or of a policy that rejects. */
export type Reach = 'connected' | 'refused' | 'silent'

/** One destination, tried from the suspect's network and, at the same time, from where nothing is cut off. */
export interface ProbeResult {
  readonly label: string
  /** 'ADDRESS:PORT'. */
  readonly where: string
  readonly suspect: Reach
  readonly control: Reach
}

export interface NetworkProbe {
  readonly results: readonly ProbeResult[]
  /** Established TCP connections of its network, 'LOCAL → REMOTE', as its kernel has them; undefined where that was not seen. */
  readonly established: readonly string[] | undefined
}

/** Runs a script of ours on the node and gives what it wrote. Throws `target-refused` where it fails, with its words. */
export async function onNode(
  session: NodeSession,
  name: string,
  text: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const run = await session.run({ name, text, args }, sink, {
    signal,
    stallTimeoutMs: STALL_MS,
    maxBytes: MAX_OUTPUT,
  })
  if (run.exitCode !== 0 || !run.complete) {
    const said = run.stderr.trim().slice(0, 500)
    throw new ImpoundError(
      'target-refused',
      `${name} on node ${session.node} failed (${run.exitCode}): ${said === '' ? 'it said nothing' : said}`,
    )
  }
  return Buffer.concat(chunks).toString('utf8')
}

const PROBE = /^probe (\S+) (\S+) (suspect|control) (connected|refused|silent)$/

/** What the probe script wrote. Throws `cut` where its end is missing. */
export function parseProbe(text: string, ownPorts: readonly number[]): NetworkProbe {
  const lines = text.split('\n').slice(0, MAX_LINES)
  if (!lines.includes('end'))
    throw new ImpoundError('cut', 'the probe of the network did not come to its end')
  const found = new Map<string, { label: string; where: string; suspect?: Reach; control?: Reach }>()
  const established: string[] = []
  for (const line of lines) {
    const [, label, where, from, reach] = PROBE.exec(line) ?? []
    if (label !== undefined && where !== undefined) {
      // what is tried and its control may have ports of their own
      const one = found.get(label) ?? { label, where }
      if (from === 'suspect') one.suspect = reach as Reach
      else one.control = reach as Reach
      found.set(label, one)
      continue
    }
    const connection = connectionOf(line)
    if (connection !== undefined && !ownPorts.includes(connection.port)) established.push(connection.text)
  }
  return {
    results: [...found.values()].flatMap(({ label, where, suspect, control }) =>
      suspect === undefined || control === undefined ? [] : [{ label, where, suspect, control }],
    ),
    established: [...new Set(established)].sort(),
  }
}

/** A line of /proc/PID/net/tcp or tcp6 in state 01; connections to itself are left out. */
function connectionOf(line: string): { readonly text: string; readonly port: number } | undefined {
  const [table, , local = '', remote = '', state] = line.trim().split(/\s+/)
  if ((table !== 'tcp' && table !== 'tcp6') || state !== '01') return undefined
  const [from, to] = [addressOf(local), addressOf(remote)]
  if (from === undefined || to === undefined || to.address.startsWith('127.') || to.address === '::1')
    return undefined
  return { text: `${from.address}:${from.port} → ${to.address}:${to.port}`, port: from.port }
}

/** Words in the byte order of the machine, which is little-endian wherever this runs but on s390x. */
function addressOf(hex: string): { readonly address: string; readonly port: number } | undefined {
  const [words = '', port = ''] = hex.split(':')
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(words) || !/^[0-9A-F]{4}$/.test(port)) return undefined
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => parseInt(byte, 16)),
  )
  const mapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255
  if (bytes.length === 4 || mapped) return { address: bytes.slice(-4).join('.'), port: parseInt(port, 16) }
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16),
  )
  const address = groups.join(':').replace(/(^|:)0(?::0)+(:|$)/, '::')
  return { address, port: parseInt(port, 16) }
}
