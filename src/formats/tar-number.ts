import { ImpoundError } from '../model/errors.js'

const BLANK = 0x20
const ZERO = 0x30
const SEVEN = 0x37

/**
 * A number in the header's field at `start`: octal text, or base-256 (GNU, star) where the first bit is set. Anything else, `1e3` as
 * well as a value past 2^53, throws `integrity`. A blank field is 0, as writers leave fields that they don't use,
 * except where it is `needed`.
 */
export function headerNumber(
  raw: Buffer,
  start: number,
  length: number,
  name: string,
  needed = false,
): number {
  const end = start + length
  if (((raw[start] ?? 0) & 0x80) !== 0) return base256(raw.subarray(start, end), name)
  let at = start
  while (at < end && raw[at] === BLANK) at += 1
  const first = at
  let number = 0
  for (; at < end; at += 1) {
    const byte = raw[at] ?? 0
    if (byte < ZERO || byte > SEVEN) break
    number = number * 8 + (byte - ZERO)
  }
  const isBlank = at === first
  while (at < end && (raw[at] === 0 || raw[at] === BLANK)) at += 1
  if (at < end || (isBlank && needed) || number > Number.MAX_SAFE_INTEGER) {
    throw badNumber(name, raw.subarray(start, end))
  }
  return number
}

/** Two's complement, big endian, in all bits but the first. */
function base256(field: Buffer, name: string): number {
  const bits = BigInt(field.length * 8 - 1)
  const unsigned = BigInt(`0x${field.toString('hex')}`) - (1n << bits)
  return safe(Number(BigInt.asIntN(Number(bits), unsigned)), name, field)
}

/** A PAX decimal without sign, as sizes and ids are. */
export function paxCount(value: Buffer, name: string): number {
  const text = value.toString('latin1')
  if (!/^[0-9]+$/.test(text)) throw badNumber(name, value)
  return safe(Number(text), name, value)
}

/** A PAX time: decimal seconds with an optional sign and fraction; past nanoseconds the fraction is cut off. */
export function paxTime(
  value: Buffer,
  name: string,
): { readonly seconds: number; readonly nanoseconds: number } {
  const match = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(value.toString('latin1'))
  if (match === null) throw badNumber(name, value)
  const whole = safe(Number(match[2]), name, value)
  const fraction = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match[1] !== '-') return { seconds: whole, nanoseconds: fraction }
  return fraction === 0
    ? { seconds: 0 - whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction }
}

function safe(number: number, name: string, field: Buffer): number {
  if (!Number.isSafeInteger(number)) throw badNumber(name, field)
  return number
}

function badNumber(name: string, field: Buffer): ImpoundError {
  return new ImpoundError(
    'integrity',
    `tar: ${name} is no number: ${JSON.stringify(field.toString('latin1', 0, 40))}`,
  )
}
