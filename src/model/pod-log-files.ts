/** A log file's name as the kubelet gives it. */
export interface PodLogName {
  readonly container: string
  /** How often the container had been started before: the kubelet's restart count. */
  readonly run: number
  /** When the kubelet rotated it: digits of the node's local time, as they stand in the name. */
  readonly rotated?: string
  readonly compressed: boolean
}

/** Source: kubernetes/pkg/kubelet/logs, rotateLog and compressLog: N.log, N.log.20060102-150405, N.log.20060102-150405.gz. */
const NAME = /^([^/]+)\/(\d{1,9})\.log(?:\.(\d{8}-\d{6}))?(\.gz)?$/s

/** Undefined for a name that the kubelet does not give. */
export function podLogName(path: string): PodLogName | undefined {
  const [, container, run, rotated, compressed] = NAME.exec(path) ?? []
  if (container === undefined || run === undefined) return undefined
  return {
    container,
    run: Number(run),
    ...(rotated === undefined ? {} : { rotated }),
    compressed: compressed !== undefined,
  }
}

/** Oldest first: by container, run and rotation; the file that is still written to comes last. */
export function byAge(a: PodLogName, b: PodLogName): number {
  return (
    compare(a.container, b.container) ||
    a.run - b.run ||
    compare(a.rotated ?? '~', b.rotated ?? '~') ||
    Number(b.compressed) - Number(a.compressed)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
