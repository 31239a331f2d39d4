import { describe, expect, it } from '@jest/globals'

import { changeLines, statusScreen } from '../../src/cli/status-screen.js'
import { heldPods } from '../../src/containment/index.js'
import type { HoldStatus, QuarantineStatus } from '../../src/model/hold-status.js'
import type { NetworkPolicy, Pod } from '../../src/model/kubernetes.js'
import { HOSTILE } from '../text/hostile-corpus.js'

/** Nothing that moves a cursor, turns text round or can't be seen. */
const UNSAFE = /[^\P{C}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const KEY = 'impound.dev/quarantine'

/** A static pod that somebody marked as held, with his text in all that he may write. */
function marked(text: string): HoldStatus {
  const lock = JSON.stringify({ case: text, who: text, when: text, tool: text, labels: { [text]: text } })
  const pod: Pod = {
    metadata: {
      namespace: 'shop',
      name: 'web-node-a',
      uid: '11111111-1111-4111-8111-111111111111',
      annotations: { [KEY]: lock, 'kubernetes.io/config.mirror': text, 'impound.dev/freeze': text },
      labels: { [KEY]: text, [text]: text },
      ownerReferences: [{ kind: text, name: text, controller: true }],
    },
    spec: { hostNetwork: true },
    status: { phase: 'Running' },
  }
  const policies: readonly NetworkPolicy[] = [
    { metadata: { name: text, namespace: 'shop' }, spec: { podSelector: {}, ingress: [{}] } },
  ]
  const [hold] = heldPods({ pods: [pod], policies: () => policies, entries: [] }, ['shop'])
  return hold!
}

function status(...holds: readonly HoldStatus[]): QuarantineStatus {
  return {
    schema: 'impound/quarantine-status/v1',
    exitStatus: 7,
    at: '2026-11-22T03:00:00.000Z',
    cluster: { context: 'lab', server: 'https://lab.example' },
    holds,
    notTried: [],
  }
}

function changed(hold: HoldStatus): readonly string[] {
  const head = { schema: 'impound/quarantine-change/v1', at: '2026-11-22T03:00:00.000Z' } as const
  return changeLines({ ...head, change: 'held', hold, appeared: hold.faults, mended: hold.faults })
}

describe('the screen of what is held', () => {
  it.each(HOSTILE)('is not at the mercy of who wrote the annotations: %s', (_idea, text) => {
    // the API server takes 256 KiB of annotations together
    const hold = marked(text.slice(0, 2_000))
    const plain = marked('plain')
    expect(statusScreen(status(hold))).not.toMatch(UNSAFE)
    expect(statusScreen(status(hold)).split('\n')).toHaveLength(
      statusScreen(status(plain)).split('\n').length,
    )
    for (const line of changed(hold)) expect(line).not.toMatch(UNSAFE)
    for (const line of changed(hold)) expect(line).not.toContain('\n')
  })

  it('is not flooded by them either', () => {
    const hold = marked('x'.repeat(200_000))
    for (const line of [...statusScreen(status(hold)).split('\n'), ...changed(hold)])
      expect(line.length).toBeLessThan(500)
    const faults = Array.from({ length: 5000 }, () => hold.faults[0]!)
    expect(statusScreen(status({ ...hold, faults })).split('\n').length).toBeLessThan(100)
    expect(changed({ ...hold, faults }).length).toBeLessThan(100)
  })
})
