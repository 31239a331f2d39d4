/** /proc/PID/status, as far as it is used; what the kernel does not say is undefined. Source: proc(5). */
export interface ProcessStatus {
  /** Real, effective, saved, file system. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  /** From the PID namespace of the /proc that was read to the innermost. */
  readonly nsPids: readonly number[]
  /** PID of who traces it; 0 is nobody. */
  readonly tracer: number | undefined
  /** Sixteen hex digits each. */
  readonly capabilities: Capabilities | undefined
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number | undefined
  readonly noNewPrivs: boolean | undefined
}

export interface Capabilities {
  readonly inheritable: string
  readonly permitted: string
  readonly effective: string
  readonly bounding: string
  readonly ambient: string
}

const MOST_GROUPS = 256

/** A line's key is what stands before its first ':'; the kernel escapes newlines in the name, so no line can be forged by one. */
export function parseStatus(bytes: Buffer): ProcessStatus {
  const values = new Map<string, string>()
  for (const line of bytes.toString('latin1').split('\n')) {
    const colon = line.indexOf(':')
    const key = line.slice(0, Math.max(0, colon))
    if (key !== '' && !values.has(key)) values.set(key, line.slice(colon + 1).trim())
  }
  const numbers = (key: string, most: number): readonly number[] =>
    (values.get(key) ?? '')
      .split(/[\t ]+/, most)
      .filter((word) => /^[0-9]{1,10}$/.test(word))
      .map(Number)
  const hex = (key: string): string | undefined => {
    const value = values.get(key)
    return value !== undefined && /^[0-9a-f]{1,16}$/.test(value) ? value : undefined
  }
  const [inheritable, permitted, effective, bounding] = [
    hex('CapInh'),
    hex('CapPrm'),
    hex('CapEff'),
    hex('CapBnd'),
  ]
  const noNewPrivs = numbers('NoNewPrivs', 1)[0]
  return {
    uids: numbers('Uid', 4),
    gids: numbers('Gid', 4),
    groups: numbers('Groups', MOST_GROUPS),
    nsPids: numbers('NSpid', 32),
    tracer: numbers('TracerPid', 1)[0],
    capabilities:
      inheritable === undefined ||
      permitted === undefined ||
      effective === undefined ||
      bounding === undefined
        ? undefined
        : { inheritable, permitted, effective, bounding, ambient: hex('CapAmb') ?? '0' },
    seccomp: numbers('Seccomp', 1)[0],
    noNewPrivs: noNewPrivs === undefined ? undefined : noNewPrivs === 1,
  }
}
