/** The exit statuses of every command. They are a contract: scripts branch on them. */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  incomplete: 3,
  forbidden: 4,
  unreachable: 5,
  integrity: 6,
  containment: 7,
  target: 8,
  refused: 9,
  storage: 10,
  interrupted: 130,
} as const

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT]

const PRECEDENCE: readonly ExitStatus[] = [2, 1, 130, 10, 6, 8, 5, 4, 9, 7, 3, 0]

/** Of several statuses that apply, the one that the process ends with. */
export function worstExit(statuses: Iterable<ExitStatus>): ExitStatus {
  const present = new Set(statuses)
  return PRECEDENCE.find((status) => present.has(status)) ?? EXIT.done
}
