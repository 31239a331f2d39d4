import { ImpoundError } from '../model/errors.js'

/** What is kept of one field that is repeated. */
const MOST_VALUES = 4_096

/**
 * Wanted fields of one protobuf message, in the order in which they stand: numbers as such, strings and messages as the bytes that they
 * are. Source: the protobuf encoding guide, wire types 0, 1, 2 and 5.
 */
export interface ProtoFields {
  /** The last number of a field; undefined where it has none, or one past what a double holds exactly. */
  number(field: number): number | undefined
  /** All numbers of a repeated field, packed or not; at most 4,096. */
  numbers(field: number): readonly number[]
  /** The last string or message of a field. */
  bytes(field: number): Buffer | undefined
}

/**
 * Reads the wanted fields of a message and passes over the others without keeping anything of them. The parts share the message's memory.
 * Throws `integrity` where it is not well formed.
 */
export function readProto(message: Buffer, wanted: readonly number[]): ProtoFields {
  const numbers = new Map<number, number[]>()
  const parts = new Map<number, Buffer>()
  const cursor: Cursor = { bytes: message, at: 0 }
  while (cursor.at < message.length) {
    const key = varint(cursor)
    const [field, wire] = [Math.floor(key / 8), key % 8]
    if (field < 1 || field > 536_870_911) throw malformed('a field has no valid number')
    const isWanted = wanted.includes(field)
    switch (wire) {
      case 0: {
        const value = varint(cursor)
        if (isWanted) keep(numbers, field, value)
        break
      }
      case 1:
        take(cursor, 8)
        break
      case 2: {
        const part = take(cursor, varint(cursor))
        if (isWanted) parts.set(field, part)
        break
      }
      case 5: {
        const value = take(cursor, 4).readUInt32LE(0)
        if (isWanted) keep(numbers, field, value)
        break
      }
      default:
        throw malformed(`a field has wire type ${wire}`)
    }
  }
  return {
    number: (field) => {
      const value = numbers.get(field)?.at(-1)
      return value !== undefined && Number.isSafeInteger(value) ? value : undefined
    },
    numbers: (field) => numbers.get(field) ?? packed(parts.get(field)),
    bytes: (field) => parts.get(field),
  }
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

/** Exact up to 2^53; beyond, as near as a double comes. */
function varint(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = cursor.bytes[cursor.at]
    if (byte === undefined) throw malformed('it ends within a number')
    cursor.at += 1
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
  throw malformed('a number has more than ten bytes')
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.at + length
  if (end > cursor.bytes.length) throw malformed('it ends within a field')
  const part = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return part
}

function keep(numbers: Map<number, number[]>, field: number, value: number): void {
  const known = numbers.get(field)
  if (known === undefined) numbers.set(field, [value])
  else if (known.length < MOST_VALUES) known.push(value)
  else known[known.length - 1] = value
}

function packed(part: Buffer | undefined): readonly number[] {
  if (part === undefined) return []
  const cursor: Cursor = { bytes: part, at: 0 }
  const values: number[] = []
  while (cursor.at < part.length && values.length < MOST_VALUES) values.push(varint(cursor))
  return values
}

function malformed(why: string): ImpoundError {
  return new ImpoundError('integrity', `a protobuf message is malformed: ${why}`)
}
