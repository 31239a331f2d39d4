import type { FaultEffect, LabFault } from './fault.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Throws a TypeError that says what of a declaration can't be meant. */
export function validateFault(fault: LabFault): void {
  const { match, effect, after, times } = fault
  if (match.method !== undefined && !METHODS.includes(match.method)) {
    throw new TypeError(`a fault's method is one of ${METHODS.join(', ')}, not ${match.method}`)
  }
  // such an expression remembers where it last matched: the same requests would not be struck again
  if (match.path !== undefined && /[gy]/.test(match.path.flags)) {
    throw new TypeError(`a fault's path has no flag g or y: ${String(match.path)}`)
  }
  if (match.server === 'registry' && match.user !== undefined) {
    throw new TypeError('a fault of the registry matches no user')
  }
  if (after !== undefined) whole('after', after, 0)
  if (times !== undefined && times !== Infinity) whole('times', times, 1)
  validateEffect(effect)
  if (match.server === 'registry' && (effect.kind === 'watch-expired' || effect.kind === 'clock-jump')) {
    throw new TypeError(`${effect.kind} is a fault of the API server, not of the registry`)
  }
}

function validateEffect(effect: FaultEffect): void {
  switch (effect.kind) {
    case 'status':
    case 'html':
      if (!Number.isInteger(effect.code) || effect.code < 400 || effect.code > 599) {
        throw new TypeError(`the code of a ${effect.kind} fault is from 400 to 599, not ${effect.code}`)
      }
      if (effect.kind === 'status' && effect.retryAfterSeconds !== undefined) {
        whole('retryAfterSeconds', effect.retryAfterSeconds, 0)
      }
      return
    case 'truncate':
    case 'drop-after':
    case 'stall':
      whole('bytes', effect.bytes, 0)
      return
    case 'lose-last':
      whole('bytes', effect.bytes, 1)
      return
    case 'corrupt':
      whole('at', effect.at, 0)
      return
    case 'slow':
      whole('bytesPerSecond', effect.bytesPerSecond, 1)
      return
    case 'refused':
      whole('ms', effect.ms, 1)
      return
    case 'watch-expired':
      whole('events', effect.events, 0)
      return
    case 'wrong-length':
    case 'clock-jump': {
      const amount = effect.kind === 'wrong-length' ? effect.by : effect.seconds
      if (!Number.isInteger(amount) || amount === 0) {
        throw new TypeError(`a ${effect.kind} fault is off by a whole number other than 0, not by ${amount}`)
      }
      return
    }
    case 'reset':
    case 'token-expired':
    case 'answer-lost':
    case 'close-without-status':
      return
    default:
      throw new TypeError(`no such fault: ${JSON.stringify(effect satisfies never)}`)
  }
}

function whole(field: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new TypeError(`a fault's ${field} is a whole number from ${least}, not ${value}`)
}
