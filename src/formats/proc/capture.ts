import { ImpoundError } from '../../model/errors.js'
import { ScratchBuffer } from '../scratch-buffer.js'
import { readPieces } from './pieces.js'

/** What a stream of templates/processes.sh tells, in its order. Everything in it may be hostile. */
export type CaptureItem =
  | { readonly kind: 'self'; readonly pid: number }
  | { readonly kind: 'pass'; readonly number: number; readonly pids: readonly number[] }
  | { readonly kind: 'container'; readonly id: string; readonly pids: readonly number[] }
  | { readonly kind: 'moved'; readonly pids: readonly number[] }
  | FileItem
  /** Lines of `stat -c %N`, or of `stat -L -c '%n %d %i %h %f %s %Y'`; good until the next item is asked for. */
  | { readonly kind: 'links' | 'identity'; readonly lines: Buffer }
  /** How the program ended that read what came before, and what it complained of. */
  | { readonly kind: 'done'; readonly exit: number; readonly complaints: string }
  | { readonly kind: 'denied' | 'fds'; readonly pid: number }
  | { readonly kind: 'skipped'; readonly what: string }
  | { readonly kind: 'end' }

export interface FileItem {
  readonly kind: 'file'
  /** A PID, 'self', or '.' for /proc itself. */
  readonly of: string
  /** Below the process's directory: 'net/tcp'. */
  readonly name: string
  readonly pass: number
  /** Empty where the file went elsewhere. Good until the next item is asked for: its memory is used again. */
  readonly content: Buffer
  /** False: the reading program was ended before the file was. */
  readonly whole: boolean
  /** As long as was asked for at most: more may have been there. */
  readonly full: boolean
}

export interface CaptureOptions {
  /** Takes the bytes of a file, which are good until it has settled, instead of keeping them; undefined keeps them. */
  readonly divert?: (of: string, name: string) => ((bytes: Buffer) => Promise<void> | void) | undefined
}

/** Of one run of words: the links of two thousand descriptors with the longest targets. */
const MOST_WORDS = 16 << 20
/** Of one file that is kept in memory. */
const MOST_CONTENT = 16 << 20
/** PIDs of one list; the kernel's own limit is 4,194,304, a node's some 30,000. */
const MOST_PIDS = 200_000

interface Reading {
  readonly limit: number
  readonly names: readonly { readonly of: string; readonly name: string }[]
}

/**
 * What a capture of processes says. Memory is bounded by one piece. Throws `target-refused` where it is none, `too-big`
 * where a piece is larger than any that the script makes. A stream that ends early simply has no `end`.
 */
export async function* readCapture(
  source: AsyncIterable<Buffer>,
  options: CaptureOptions = {},
): AsyncGenerator<CaptureItem, void, undefined> {
  let reading: Reading = { limit: 0, names: [] }
  let index = 0
  let pass = 0
  const kept = new ScratchBuffer()
  let bytes = 0
  let isFile = false
  let divert: ((bytes: Buffer) => Promise<void> | void) | undefined
  for await (const event of readPieces(source)) {
    switch (event.at) {
      case 'start': {
        kept.clear()
        bytes = 0
        isFile = event.kind === 'file'
        const meant = reading.names[index]
        divert = isFile && meant !== undefined ? options.divert?.(meant.of, meant.name) : undefined
        break
      }
      case 'bytes':
        bytes += event.bytes.length
        if (divert !== undefined) await divert(event.bytes)
        else {
          if (bytes > (isFile ? MOST_CONTENT : MOST_WORDS)) {
            throw new ImpoundError('too-big', `a piece of the capture is larger than ${MOST_WORDS} bytes`)
          }
          kept.add(event.bytes)
        }
        break
      case 'end': {
        const content = kept.bytes
        if (isFile) {
          const meant = reading.names[index]
          index += 1
          if (meant === undefined) break
          const whole = event.next === 'file'
          yield { kind: 'file', ...meant, pass, content, whole, full: bytes >= reading.limit }
          break
        }
        if (event.next === undefined && content.at(-1) !== 0x0a) break
        const item = itemFrom(content)
        if (item === undefined) break
        if (item.kind === 'read') {
          reading = item
          index = 0
        } else {
          if (item.kind === 'pass') pass = item.number
          yield item
        }
        break
      }
    }
  }
}

function itemFrom(
  words: Buffer,
): Exclude<CaptureItem, FileItem> | ({ readonly kind: 'read' } & Reading) | undefined {
  const newline = words.indexOf(0x0a)
  const line = words.subarray(0, newline === -1 ? words.length : newline).toString('latin1')
  const [verb, rest] = splitOnce(line, ' ')
  switch (verb) {
    case 'self':
    case 'denied':
    case 'fds': {
      const [pid] = pidsFrom(rest)
      return pid === undefined ? undefined : { kind: verb, pid }
    }
    case 'pass': {
      const [number, pids] = splitOnce(rest, ' ')
      return { kind: 'pass', number: number === '1' ? 1 : 2, pids: pidsFrom(pids) }
    }
    case 'container': {
      const [id, pids] = splitOnce(rest, ' ')
      return { kind: 'container', id, pids: pidsFrom(pids) }
    }
    case 'moved':
      return { kind: 'moved', pids: pidsFrom(rest) }
    case 'read': {
      const match = /^([0-9]{1,15}) ([a-z0-9/_ ]+)\|([0-9a-z. ]*)$/.exec(rest)
      if (match === null) return undefined
      const files = (match[2] ?? '').split(' ').filter((name) => name !== '')
      const owners = (match[3] ?? '').split(' ').filter((of) => /^(?:[0-9]{1,10}|self|\.)$/.test(of))
      return {
        kind: 'read',
        limit: Number(match[1]),
        names: owners.slice(0, MOST_PIDS).flatMap((of) => files.map((name) => ({ of, name }))),
      }
    }
    case 'links':
    case 'identity':
      return { kind: verb, lines: words.subarray(newline === -1 ? words.length : newline + 1) }
    case 'done': {
      const [exit, first] = splitOnce(rest, ' ')
      const more = newline === -1 ? '' : words.subarray(newline).toString('latin1')
      return { kind: 'done', exit: Number(exit), complaints: `${first}${more}`.trim() }
    }
    case 'skipped':
      return { kind: 'skipped', what: rest }
    case 'end':
      return { kind: 'end' }
    default:
      return undefined
  }
}

function splitOnce(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)]
}

function pidsFrom(text: string): readonly number[] {
  return text
    .split(' ')
    .filter((word) => /^[1-9][0-9]{0,9}$/.test(word))
    .slice(0, MOST_PIDS)
    .map(Number)
}
