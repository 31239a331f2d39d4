import { CAPTURE_MARK, CAPTURE_MOUNT } from './capture.js'
import { PROCESSES_MARK } from './processes.js'

/** What `sh -c SCRIPT` asks for, as far as the lab's shell can tell. */
export type ShellRequest =
  | { readonly kind: 'capture' | 'processes' }
  | { readonly kind: 'mount'; readonly point: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  | { readonly kind: 'not-understood' }

/** Knows impound's own scripts by their first lines, and one plain command: words, quotes, an `exec` before them. */
export function readScript(script: string): ShellRequest {
  const first = script.split('\n', 1)[0]?.trimEnd()
  if (first === CAPTURE_MARK) return { kind: 'capture' }
  if (first === PROCESSES_MARK) return { kind: 'processes' }
  const mount = CAPTURE_MOUNT.exec(script)
  if (mount !== null) return { kind: 'mount', point: mount[1] ?? mount[2] ?? '' }
  const words = splitWords(script.trim())
  if (words === undefined || words.length === 0) return { kind: 'not-understood' }
  return { kind: 'command', argv: words[0] === 'exec' ? words.slice(1) : words }
}

/** Words of a plain command; undefined where the script has anything that only a real shell can do. */
function splitWords(command: string): readonly string[] | undefined {
  const words: string[] = []
  let rest = command
  while (rest !== '') {
    const word = /^(?:'[^']*'|"[^"$`\\]*"|[^\s'"$`\\;&|<>(){}*?#~!\n[\]]+)+/.exec(rest)?.[0]
    if (word === undefined) return undefined
    words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
    rest = rest.slice(word.length)
    const gap = /^[ \t]+/.exec(rest)?.[0] ?? ''
    if (gap === '' && rest !== '') return undefined
    rest = rest.slice(gap.length)
  }
  return words
}
