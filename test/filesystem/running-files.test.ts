import { describe, expect, it } from '@jest/globals'

import { RunningFiles } from '../../src/filesystem/running-files.js'
import type { DiffEntry } from '../../src/model/filesystem-documents.js'

const FACTS = { type: 'file', mode: '0755', uid: 0, gid: 0, size: 1, mtime: '2026-11-01T00:00:00Z' } as const

function entry(path: string, more: Partial<DiffEntry> = {}): DiffEntry {
  return { path, change: 'added', changed: [], class: 'user', after: FACTS, flags: ['exec-new'], ...more }
}

function run(path: string, more: object = {}): object {
  return { container: 'app', kind: 'file', path, deleted: false, pids: [7], ...more }
}

function document(executables: readonly object[], more: object = {}): unknown {
  return { containers: [{ container: 'app' }], executables, executablesMore: 0, ...more }
}

/** Paths with the flags that the join gives, in order. */
function join(running: RunningFiles | undefined, ...entries: readonly DiffEntry[]): readonly string[] {
  const told: DiffEntry[] = []
  for (const one of entries) {
    told.push(...(running?.missingBefore(one.path.slice(1)) ?? []))
    told.push(running?.mark(one.path.slice(1), one) ?? one)
  }
  told.push(...(running?.missingBefore() ?? []))
  return told.map(({ change, path, flags }) => [change, path, ...flags].join(' '))
}

describe('files that processes run', () => {
  it('are marked where they changed, and not where they are the image’s', () => {
    const running = RunningFiles.of(document([run('/tmp/x'), run('/bin/sh')]), 'app', [])
    expect(join(running, entry('/tmp/a'), entry('/tmp/x'))).toEqual([
      'added /tmp/a exec-new',
      'added /tmp/x running exec-new',
    ])
  })

  it('are told where nothing but the process still has them, in their place', () => {
    const gone = { deleted: true }
    const running = RunningFiles.of(
      document([run('/tmp/c', gone), run('/tmp/e', gone), run('/tmp/g', gone)]),
      'app',
      [],
    )
    const deleted = entry('/tmp/e', { change: 'deleted', before: FACTS, flags: [] })
    expect(join(running, entry('/tmp/a'), entry('/tmp/d'), deleted, entry('/tmp/f'))).toEqual([
      'added /tmp/a exec-new',
      'deleted /tmp/c deleted-running',
      'added /tmp/d exec-new',
      'deleted /tmp/e deleted-running',
      'added /tmp/f exec-new',
      'deleted /tmp/g deleted-running',
    ])
  })

  it('are another file than the one that has their name now', () => {
    const running = RunningFiles.of(document([run('/tmp/x', { deleted: true })]), 'app', [])
    expect(join(running, entry('/tmp/x'))).toEqual(['added /tmp/x deleted-running exec-new'])
  })

  it('are not those of another container, of no file, or in a volume', () => {
    const running = RunningFiles.of(
      document([
        run('/tmp/x', { container: 'other' }),
        run('/memfd:x', { kind: 'memfd', deleted: true }),
        run('/data/x', { deleted: true }),
        run('/data/y'),
      ]),
      'app',
      ['data'],
    )
    const under = entry('/data/y', { class: 'under-mount' })
    expect(join(running, under, entry('/tmp/x'))).toEqual(['added /data/y exec-new', 'added /tmp/x exec-new'])
  })

  it('have names of any bytes', () => {
    const pathB64 = Buffer.from('/tmp/\xff', 'latin1').toString('base64')
    const running = RunningFiles.of(document([run('/tmp/\ufffd', { pathB64, deleted: true })]), 'app', [])
    expect([...(running?.missingBefore() ?? [])]).toMatchObject([{ path: '/tmp/\ufffd', pathB64 }])
  })

  it.each([undefined, {}, document([], { containers: [{ container: 'other' }] })])(
    'are not known where there are no processes of the container',
    (processes) => {
      expect(RunningFiles.of(processes, 'app', [])).toBeUndefined()
    },
  )
})
