import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { archiveName, targetDirectory } from '../../src/evidence/index.js'
import { checkedOwnName } from '../../src/evidence/names.js'
import { DIRECTORY, SCENE, TARGET } from './scratch.js'

const TIME = new Date('2026-11-22T03:00:33.123Z')

describe('names in and of the archive', () => {
  it('names an archive of one pod after case, time, namespace, pod and UID', () => {
    expect(archiveName('INC-42', TIME, [TARGET])).toBe(SCENE.run)
  })

  it.each([0, 2, 17])('names an archive of %d pods by their number', (count) => {
    expect(
      archiveName(
        'INC-42',
        TIME,
        Array.from({ length: count }, () => TARGET),
      ),
    ).toBe(`INC-42_20261122T030033Z_${count}-pods`)
  })

  it("names a target's directory with the whole UID", () => {
    expect(targetDirectory(TARGET)).toBe(DIRECTORY)
  })

  it('cuts a long pod name at 40', () => {
    const name = `web-${'x'.repeat(249)}`
    expect(targetDirectory({ ...TARGET, name })).toBe(`shop_${name.slice(0, 40)}_${TARGET.uid}`)
  })

  it('makes one safe segment of whatever the API server says', () => {
    const anything = fc.record({
      namespace: fc.string({ unit: 'binary' }),
      name: fc.string({ unit: 'binary' }),
      uid: fc.string({ unit: 'binary' }),
    })
    fc.assert(
      fc.property(anything, (target) => {
        expect(checkedOwnName(targetDirectory(target))).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
        expect(checkedOwnName(archiveName('INC-42', TIME, [target]))).toMatch(/^INC-42_20261122T030033Z_/)
      }),
    )
  })
})
