/** /proc/PID/stat, as far as it is used. Source: proc(5). */
export interface ProcessStat {
  readonly pid: number
  /** Bytes as latin1; at most 15, any of them but NUL. */
  readonly comm: string
  readonly state: string
  readonly ppid: number
  readonly session: number
  /** PF_ flags of the kernel. */
  readonly flags: number
  readonly threads: number
  /** Clock ticks since boot. */
  readonly starttime: number
}

/** include/linux/sched.h: a thread of the kernel itself. */
const PF_KTHREAD = 0x0020_0000

/** The name stands between the first '(' and the last ')': it may hold both, and blanks and newlines. Undefined if it is no stat. */
export function parseStat(bytes: Buffer): ProcessStat | undefined {
  const text = bytes.toString('latin1')
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')]
  if (open === -1 || close < open) return undefined
  const fields = text
    .slice(close + 1)
    .trim()
    .split(' ')
  const [pid, ppid, session, flags, threads, starttime] = [
    text.slice(0, open).trim(),
    fields[1],
    fields[3],
    fields[6],
    fields[17],
    fields[19],
  ].map((word) => (/^-?[0-9]{1,16}$/.test(word ?? '') ? Number(word) : Number.NaN))
  const numbers = [pid, ppid, session, flags, threads, starttime]
  if (numbers.some((number) => number === undefined || Number.isNaN(number))) return undefined
  return {
    pid: pid ?? 0,
    // its own string: a part of `text` would keep all of that
    comm: bytes.toString('latin1', open + 1, close),
    state: fields[0] ?? '',
    ppid: ppid ?? 0,
    session: session ?? 0,
    flags: flags ?? 0,
    threads: threads ?? 0,
    starttime: starttime ?? 0,
  }
}

export function isKernelThread({ flags }: Pick<ProcessStat, 'flags'>): boolean {
  return (flags & PF_KTHREAD) !== 0
}

/** `btime` of /proc/stat: when the kernel started, in seconds since 1970, a whole number. */
export function parseBootTime(stat: Buffer): number | undefined {
  const seconds = /^btime ([0-9]{1,12})$/m.exec(stat.toString('latin1'))?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
