import { describe, expect, it } from '@jest/globals'

import { parseProbe } from '../../src/containment/network-probe.js'
import { judgeProbe } from '../../src/containment/network-verdict.js'

/** 10.0.3.9:51544 → 203.0.113.7:443, established; as Linux prints it. */
const C2 = 'tcp    0: 0903000A:C958 077100CB:01BB 01 00000000:00000000 00:00000000 00000000  0 0 1 1 0 20'

/** Tried from the suspect's own network. */
const INSIDE = { by: 'inside', words: ['the pod', 'elsewhere it'], established: 'not-known' } as const

function probe(...lines: readonly string[]) {
  return parseProbe([...lines, 'end', ''].join('\n'), [61_000])
}

function tries(label: string, suspect: string, control: string): readonly string[] {
  return [`probe ${label} 10.0.0.9:80 suspect ${suspect}`, `probe ${label} 10.0.0.9:80 control ${control}`]
}

describe('what the probe of a network says', () => {
  it('reads tries and established connections, of both families, and leaves out its own and those to itself', () => {
    const found = probe(
      ...tries('api', 'silent', 'connected'),
      C2,
      'tcp    1: 0100007F:1F90 0100007F:C958 01 0:0 0:0 0 0 0 1',
      'tcp    2: 0903000A:EE48 0A03000A:1F90 01 0:0 0:0 0 0 0 1',
      'tcp    3: 0903000A:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1',
      'tcp6   0: 0000000000000000FFFF00000903000A:1F90 0000000000000000FFFF00000A03000A:D431 01 0:0 0:0 0 0 0 1',
      'tcp6   1: B80D0120000000000000000001000000:1F90 B80D0120000000000000000002000000:0050 01 0:0 0:0 0 0 0 1',
      'tcp6   2: nonsense',
      'probe api not a line of ours',
    )
    expect(found).toEqual({
      results: [{ label: 'api', where: '10.0.0.9:80', suspect: 'silent', control: 'connected' }],
      established: [
        '10.0.3.9:51544 → 203.0.113.7:443',
        '10.0.3.9:8080 → 10.0.3.10:54321',
        '2001:db8::1:8080 → 2001:db8::2:80',
      ],
    })
  })

  it('is cut where its end is missing', () => {
    expect(() => parseProbe('probe api 10.0.0.9:80 suspect silent\n', [])).toThrow('did not come to its end')
  })

  const BLOCKED = [...tries('api', 'silent', 'connected'), ...tries('inbound', 'silent', 'connected')]

  it.each<[string, readonly string[], string, RegExp]>([
    ['blocked where all that answers others does not answer it', BLOCKED, 'blocked', /blocked: api, inbound/],
    [
      'open where all of it comes about',
      [...tries('api', 'connected', 'connected'), ...tries('inbound', 'connected', 'connected')],
      'open',
      /still come about: api, inbound/,
    ],
    [
      'mixed where some of it does',
      [...BLOCKED, ...tries('peer', 'connected', 'connected')],
      'mixed',
      /api, inbound blocked, peer not/,
    ],
    [
      'not tried where nothing answers anybody: failing to connect proves nothing',
      [...tries('api', 'silent', 'silent'), ...tries('metadata', 'silent', 'silent')],
      'not-tried',
      /proves nothing/,
    ],
    ['open where it is refused as everybody is', tries('api', 'refused', 'refused'), 'open', /api/],
    [
      'blocked where only it is refused: policies may reject',
      [...tries('api', 'refused', 'connected'), ...tries('inbound', 'silent', 'connected')],
      'blocked',
      /api/,
    ],
    [
      'mixed where nobody knows whether it can be reached',
      tries('api', 'silent', 'connected'),
      'mixed',
      /whether it can be reached is not known/,
    ],
    ['mixed where connections stay established', [...BLOCKED, C2], 'mixed', /1 stay established/],
    [
      'no better by its own node being silent',
      [...tries('node', 'silent', 'connected')],
      'not-tried',
      /nothing/,
    ],
    [
      'no worse by its own node answering',
      [...BLOCKED, ...tries('node', 'connected', 'connected')],
      'blocked',
      /api/,
    ],
  ])('is %s', (_title, lines, outcome, why) => {
    const found = judgeProbe(probe(...lines), INSIDE)
    expect(found).toMatchObject({ outcome, why: expect.stringMatching(why) })
  })

  it('names what stays established, unless its packets are dropped', () => {
    expect(judgeProbe(probe(...BLOCKED, C2), INSIDE).open).toEqual([
      'established: 10.0.3.9:51544 → 203.0.113.7:443',
    ])
    const dropped = judgeProbe(probe(...BLOCKED, C2), { ...INSIDE, cutsOpenOnes: true })
    expect(dropped).toMatchObject({ outcome: 'blocked', open: [] })
    expect(dropped.tried.join()).toContain('and their packets are dropped')
  })
})
