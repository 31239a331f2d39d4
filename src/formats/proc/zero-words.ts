/**
 * Words that each end in a zero byte, as /proc/PID/cmdline and environ have them; at most `most`, with how many there are. A process
 * may overwrite both: then they are what it wrote, in words or not.
 */
export function zeroWords(
  bytes: Buffer,
  most: number,
): { readonly words: readonly Buffer[]; readonly count: number } {
  const words: Buffer[] = []
  let count = 0
  let start = 0
  while (start < bytes.length) {
    const zero = bytes.indexOf(0, start)
    const end = zero === -1 ? bytes.length : zero
    if (count < most) words.push(bytes.subarray(start, end))
    count += 1
    start = end + 1
  }
  return { words, count }
}
