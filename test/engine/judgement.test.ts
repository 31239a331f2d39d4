import { describe, expect, it } from '@jest/globals'

import { containmentCauses, evidenceCauses, faultCause, judge } from '../../src/engine/judgement.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { LedgerRow } from '../../src/model/evidence.js'
import type { VerdictKind } from '../../src/model/containment.js'

function row(status: LedgerRow['status'], reason?: LedgerRow['reason']): LedgerRow {
  return { collector: 'logs', subject: 'logs app', status, ...(reason === undefined ? {} : { reason }) }
}

describe('the judgement of a run', () => {
  it('counts partial and failed evidence, and skips that somebody has to answer for', () => {
    expect(
      evidenceCauses([row('collected'), row('skipped', 'not-applicable'), row('skipped', 'not-requested')]),
    ).toEqual([])
    for (const bad of [
      row('partial', 'cut'),
      row('failed', 'forbidden'),
      row('skipped', 'not-allowed'),
      row('failed'),
    ]) {
      expect(judge(evidenceCauses([row('collected'), bad])).exitStatus).toBe(3)
    }
  })

  it.each<[VerdictKind, number]>([
    ['enforced', 0],
    ['partial', 7],
    ['unverified', 7],
    ['not-enforced', 7],
  ])('calls a containment that is %s %i', (kind, status) => {
    const verdict = {
      schema: 'impound/verdict/v1',
      kind,
      means: 'api',
      why: '',
      tried: [],
      open: [],
    } as const
    const target = {
      namespace: 'shop',
      name: 'web',
      uid: 'u',
      changedFiles: [],
      containment: { verdict, actions: [], undo: '' },
    }
    expect(judge(containmentCauses(target)).exitStatus).toBe(status)
  })

  it.each<[ErrorCode, number]>([
    ['target-changed', 8],
    ['unreachable', 5],
    ['forbidden', 4],
    ['refused', 9],
    ['unsupported', 7],
  ])('never calls a containment enforced that %s stopped, and ends with %i', (code, status) => {
    const verdict = {
      schema: 'impound/verdict/v1',
      kind: 'enforced',
      means: 'api',
      why: '',
      tried: [],
      open: [],
    } as const
    const error = { code, message: 'no', hints: [] }
    const target = {
      namespace: 'shop',
      name: 'web',
      uid: 'u',
      changedFiles: [],
      containment: { verdict, error, actions: [], undo: '' },
    }
    const causes = containmentCauses(target)
    expect(judge(causes).exitStatus).toBe(status)
    expect(causes.map((cause) => cause.status)).toContain(7)
  })

  it('gives every reason, and the status that comes first in the contract', () => {
    const judged = judge([
      ...evidenceCauses([row('failed')]),
      faultCause(new ImpoundError('storage', 'disk full')),
    ])
    expect(judged).toEqual({
      exitStatus: 10,
      because: ['1 of 1 piece of evidence partial or missing', 'disk full'],
    })
  })
})
