import type { Answer } from './answer.js'

/**
 * The part of a whole answer that a Range header asks for: 206 with Content-Range, 416 past the end. A header that is not
 * one range of bytes is ignored, as RFC 9110 (14.2) lets a server do.
 */
export function rangeOf(whole: Answer, range: string | undefined): Answer {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '')
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? '']
  if (match === null || (first === '' && last === '')) return whole
  const size = whole.body.length
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (from > to) {
    return {
      status: 416,
      headers: { ...whole.headers, 'content-range': `bytes */${size}` },
      body: Buffer.alloc(0),
    }
  }
  return {
    status: 206,
    headers: { ...whole.headers, 'content-range': `bytes ${from}-${to}/${size}` },
    body: whole.body.subarray(from, to + 1),
  }
}
