const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** When what happened in the shop, all relative to now. Whole seconds. */
export interface Moments {
  readonly now: Date
  readonly clusterMade: Date
  readonly shopMade: Date
  readonly deploymentMade: Date
  /** The rollout that is running. */
  readonly rolledOut: Date
  readonly appFirstStarted: Date
  /** The first run of the suspect's app ended here, and the second began: its writable layer is no older. */
  readonly appCrashed: Date
  readonly appRestarted: Date
  /** The intruder's first command, and the last file that he touched. */
  readonly intrusion: Date
  readonly lastTouch: Date
}

export function momentsBefore(now: Date): Moments {
  const end = Math.floor(now.getTime() / SECOND) * SECOND
  const before = (ms: number): Date => new Date(end - ms)
  return {
    now: before(0),
    clusterMade: before(41 * DAY + 3 * HOUR),
    shopMade: before(40 * DAY + 5 * HOUR),
    deploymentMade: before(19 * DAY + 2 * HOUR),
    rolledOut: before(6 * DAY + 4 * HOUR),
    appFirstStarted: before(6 * DAY + 4 * HOUR - 21 * SECOND),
    appCrashed: before(52 * MINUTE + 11 * SECOND),
    appRestarted: before(52 * MINUTE + 9 * SECOND),
    intrusion: before(47 * MINUTE + 30 * SECOND),
    lastTouch: before(18 * MINUTE),
  }
}

export function later(moment: Date, seconds: number): Date {
  return new Date(moment.getTime() + seconds * SECOND)
}

/** metav1.Time: RFC 3339, UTC, whole seconds. */
export function kubeTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`
}

/** metav1.MicroTime: RFC 3339, UTC, six digits. */
export function microTime(moment: Date, micros = 0): string {
  return `${moment.toISOString().slice(0, 23)}${String(micros % 1000).padStart(3, '0')}Z`
}

/** RFC3339Nano as container runtimes stamp log lines: nine digits here. */
export function nanoTime(moment: Date, nanos = 0): string {
  return `${moment.toISOString().slice(0, 23)}${String(nanos % 1_000_000).padStart(6, '0')}Z`
}
