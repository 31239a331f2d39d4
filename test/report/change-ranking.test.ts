import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import type { DiffEntry } from '../../src/model/filesystem-documents.js'
import { compareChanges } from '../../src/report/change-ranking.js'
import { topChanges } from '../../src/report/index.js'

function change(path: string, facts: Partial<DiffEntry> = {}): DiffEntry {
  return { path, change: 'added', changed: [], class: 'user', flags: [], ...facts }
}

const anyChange = fc.record({
  path: fc.string({ minLength: 1, maxLength: 6 }),
  change: fc.constantFrom<DiffEntry['change']>('added', 'modified', 'deleted', 'metadata-only'),
  changed: fc.constant([]),
  class: fc.constantFrom<DiffEntry['class']>('user', 'runtime', 'under-mount', 'volume'),
  flags: fc.subarray(['exec-new', 'setuid', 'running', 'unheard-of']),
})

describe('topChanges', () => {
  it('puts what runs before what can run, and what the runtime made last', async () => {
    const ranked = await topChanges([
      change('/etc/hosts', { class: 'runtime' }),
      change('/z', { change: 'metadata-only' }),
      change('/b', { change: 'deleted' }),
      change('/a'),
      change('/mnt/hidden', { class: 'under-mount' }),
      change('/bin/su', { change: 'metadata-only', flags: ['setuid'] }),
      change('/tmp/x', { flags: ['exec-new'] }),
      change('/dev/shm/kw', { flags: ['exec-new', 'running'] }),
      change('/gone', { change: 'deleted', flags: ['deleted-running'] }),
    ])
    expect(ranked.map(({ path }) => path)).toEqual([
      '/gone',
      '/dev/shm/kw',
      '/tmp/x',
      '/bin/su',
      '/mnt/hidden',
      '/a',
      '/b',
      '/z',
      '/etc/hosts',
    ])
  })

  it('keeps the foremost of a stream, whatever its order and length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { maxLength: 40 }), async (changes) => {
        expect(await topChanges(changes, 5)).toEqual(changes.toSorted(compareChanges).slice(0, 5))
      }),
    )
  })
})
