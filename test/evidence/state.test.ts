import { appendFile, readdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'

import { listStates, openState, type StateFacts } from '../../src/evidence/index.js'
import type { WriteIntent } from '../../src/model/acquisition.js'
import { SCENE, scratch, TARGET } from './scratch.js'

const FACTS: StateFacts = {
  case: 'INC-42',
  run: SCENE.run,
  who: 'ana@corp',
  archive: '/cases/INC-42',
  context: 'prod-eu',
  server: 'https://prod-eu.example',
  target: TARGET,
}

function intent(id: string): WriteIntent {
  return {
    id,
    action: 'quarantine',
    step: 'label',
    method: 'PATCH',
    path: '/x',
    auditId: id,
    prior: { a: 'b' },
  }
}

describe('the state that release needs', () => {
  it('leaves nothing behind when it is only asked', async () => {
    const directory = await scratch()
    const state = await openState(directory, 'c1', TARGET.uid)
    expect([state.facts(), state.entries()]).toEqual([undefined, []])
    await state.released()
    expect(await readdir(directory)).toEqual([])
  })

  it('gives back facts, intents and what came of them, after another process has written them', async () => {
    const directory = await scratch()
    const state = await openState(directory, 'c1', TARGET.uid)
    await state.describe({ ...FACTS, run: 'an earlier run' })
    await state.describe(FACTS)
    await state.journal.intent(intent('1'))
    await state.journal.intent(intent('2'))
    await state.journal.result({ id: '1', status: 200, resourceVersion: '7' })
    await state.close()
    const again = await openState(directory, 'c1', TARGET.uid)
    expect(again.facts()).toEqual(FACTS)
    expect(again.entries()).toEqual([
      { intent: intent('1'), outcome: { id: '1', status: 200, resourceVersion: '7' } },
      { intent: intent('2') },
    ])
  })

  it('is for one person alone', async () => {
    const directory = join(await scratch(), 'impound')
    const state = await openState(directory, 'c1', TARGET.uid)
    await state.describe(FACTS)
    await state.close()
    const modes = [directory, join(directory, 'c1'), state.path].map(
      async (path) => (await stat(path)).mode & 0o777,
    )
    expect(await Promise.all(modes)).toEqual([0o700, 0o700, 0o600])
  })

  it.each([
    ['cut in the middle of the last line', (path: string, size: number) => truncate(path, size - 9)],
    ['cut before the last newline', (path: string, size: number) => truncate(path, size - 1)],
    ['followed by zeros', (path: string) => appendFile(path, '\0\0\0')],
    ['followed by a line of a later version', (path: string) => appendFile(path, '{"type":"new"}\n')],
  ])('survives being %s', async (_what, damage) => {
    const directory = await scratch()
    const state = await openState(directory, 'c1', TARGET.uid)
    for (const id of ['1', '2']) await state.journal.intent(intent(id))
    await state.close()
    await damage(state.path, (await stat(state.path)).size)
    const again = await openState(directory, 'c1', TARGET.uid)
    expect(again.entries()[0]).toEqual({ intent: intent('1') })
    await again.journal.intent(intent('3'))
    await again.close()
    const ids = (await openState(directory, 'c1', TARGET.uid)).entries().map((entry) => entry.intent.id)
    expect([ids[0], ids.at(-1)]).toEqual(['1', '3'])
  })

  it('puts a released pod away, each time under a name of its own', async () => {
    const directory = await scratch()
    for (const id of ['1', '2']) {
      const state = await openState(directory, 'c1', TARGET.uid)
      expect(state.entries()).toEqual([])
      await state.journal.intent(intent(id))
      await state.released()
    }
    expect((await readdir(join(directory, 'c1'))).sort()).toEqual([
      `${TARGET.uid}.released-1`,
      `${TARGET.uid}.released-2`,
    ])
    expect(await readFile(join(directory, 'c1', `${TARGET.uid}.released-2`), 'utf8')).toContain('"id":"2"')
  })

  it('lists what is still held', async () => {
    const directory = await scratch()
    for (const [cluster, pod] of [
      ['c2', 'p1'],
      ['c1', 'p2'],
      ['c1', 'p1'],
    ] as const) {
      const state = await openState(directory, cluster, pod)
      await state.describe({ ...FACTS, case: `${cluster} ${pod}` })
      await state.close()
    }
    await (await openState(directory, 'c1', 'p1')).released()
    expect((await listStates(directory)).map((state) => state.facts()?.case)).toEqual(['c1 p2', 'c2 p1'])
    expect(await listStates(join(directory, 'none'))).toEqual([])
  })

  it.each(['../../../tmp/x', '/etc/passwd', '..', ''])(
    'stays in its directory for the UID %j',
    async (uid) => {
      const directory = await scratch()
      const state = await openState(directory, uid, uid)
      await state.journal.intent(intent('1'))
      await state.close()
      const [cluster] = await readdir(directory)
      expect(await readdir(join(directory, cluster!))).toHaveLength(1)
    },
  )
})
