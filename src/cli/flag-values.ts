import { Flags } from '@oclif/core'

import { ImpoundError } from '../model/errors.js'
import type { Platform } from '../model/ports/registry.js'

/** A span such as 30s, 500ms, 2m, or a bare number of seconds, in milliseconds. */
export const duration = Flags.custom<number>({
  parse: (given) => Promise.resolve(parseDuration(given)),
})

/** A size such as 2GiB, 500MB, 10k, or a bare number of bytes. */
export const size = Flags.custom<number>({
  parse: (given) => Promise.resolve(parseSize(given)),
})

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

export function parseDuration(given: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(given)
  const unit = DURATION_UNITS[match?.[2] ?? 's']
  if (match?.[1] === undefined || unit === undefined || Number(match[1]) <= 0) {
    throw new ImpoundError('usage', `"${given}" is no length of time`, {
      hints: ['write 500ms, 30s, 2m or 1h'],
    })
  }
  return Math.round(Number(match[1]) * unit)
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
  t: 1e12,
  tb: 1e12,
  tib: 2 ** 40,
}

export function parseSize(given: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(given)
  const unit = SIZE_UNITS[(match?.[2] ?? '').toLowerCase()]
  if (match?.[1] === undefined || unit === undefined) {
    throw new ImpoundError('usage', `"${given}" is no size`, {
      hints: ['write 500MB, 2GiB or a number of bytes'],
    })
  }
  return Math.round(Number(match[1]) * unit)
}

/** 'linux/arm64/v8' */
export function platformFrom(given: string): Platform {
  const [os = '', architecture = '', variant, ...more] = given.split('/')
  if (!/^[a-z0-9]+$/.test(os) || !/^[a-z0-9]+$/.test(architecture) || more.length > 0) {
    throw new ImpoundError('usage', `"${given}" is no platform`, {
      hints: ['write linux/amd64, or linux/arm/v7'],
    })
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}
