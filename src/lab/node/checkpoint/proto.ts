/** A field of a protobuf message: its number, and a number, text, bytes or a message. */
export type Field = readonly [field: number, value: number | string | Buffer]

/** The protobuf encoding of a message. Numbers are not negative and below 2^53. */
export function proto(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([field, value]) => {
      if (typeof value === 'number') return [varint(field * 8), varint(value)]
      const bytes = Buffer.from(value)
      return [varint(field * 8 + 2), varint(bytes.length), bytes]
    }),
  )
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
