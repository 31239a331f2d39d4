import { describe, expect, it } from '@jest/globals'

import { bodyfileLine } from '../../src/filesystem/bodyfile.js'
import { parseReport, pathsComplainedOf } from '../../src/filesystem/capture-report.js'
import { documentedTime } from '../../src/filesystem/facts.js'
import { candidates, parseImageID, repositoryOf, tagOf } from '../../src/filesystem/image-source.js'
import { MountTable, unescapeMount, volumeMountsOf } from '../../src/filesystem/mounts.js'
import { documentedPath, pathKey } from '../../src/filesystem/path-key.js'
import { absenceProof } from '../../src/filesystem/tree-diff.js'
import type { FileFacts } from '../../src/model/filesystem-documents.js'

const D = `sha256:${'a'.repeat(64)}`

describe('paths', () => {
  it.each([
    ['./etc//passwd/', 'etc/passwd'],
    ['/', ''],
    ['./', ''],
    ['a/./b', 'a/b'],
    ['a..b', 'a..b'],
    ['../a', undefined],
    ['a/..', undefined],
    ['a\0b', undefined],
  ])('%j is the key %j', (path, key) => {
    expect(pathKey(Buffer.from(path))).toBe(key)
  })

  it('keeps the bytes of a name that is no UTF-8', () => {
    expect(documentedPath('a\xff')).toEqual({ path: '/a\uFFFD', pathB64: 'L2H/' })
    expect(documentedPath(Buffer.from('é').toString('latin1'))).toEqual({ path: '/é' })
  })
})

describe('times', () => {
  it.each([
    [{ seconds: 0, nanoseconds: 0 }, '1970-01-01T00:00:00Z'],
    [{ seconds: 1_795_418_024, nanoseconds: 5 }, '2026-11-23T07:13:44.000000005Z'],
    [{ seconds: -1, nanoseconds: 500_000_000 }, '1969-12-31T23:59:59.500000000Z'],
    [{ seconds: 2 ** 50, nanoseconds: 0 }, `@${2 ** 50}`],
    [{ seconds: 253_402_300_800, nanoseconds: 0 }, '@253402300800'],
  ])('%j is %s', (time, text) => {
    expect(documentedTime(time)).toBe(text)
  })
})

describe('the bodyfile', () => {
  const facts: FileFacts = {
    type: 'file',
    mode: '4755',
    uid: 1,
    gid: 2,
    size: 3,
    mtime: '1970-01-01T00:00:09.5Z',
  }

  it.each([
    [{ path: '/bin/x' }, facts, false, '0|/bin/x|0|r/rrwsr-xr-x|1|2|3|0|9|0|0\n'],
    [{ path: '/a|b\n%' }, facts, true, '0|/a%7Cb%0A%25 (deleted)|0|r/rrwsr-xr-x|1|2|3|0|9|0|0\n'],
    [
      { path: '/\uFFFD', pathB64: 'L/8=' },
      { ...facts, mode: '1666' },
      false,
      '0|/%FF|0|r/rrw-rw-rwT|1|2|3|0|9|0|0\n',
    ],
    [
      { path: '/l' },
      { ...facts, type: 'symlink', link: '/x|y', mode: '0777', mtime: '@1e99', ctime: '@12' },
      false,
      '0|/l -> /x%7Cy|0|l/lrwxrwxrwx|1|2|3|0|0|12|0\n',
    ],
  ] as const)('has a line that can not be broken for %j', (entry, of, isGone, line) => {
    expect(bodyfileLine(entry, of, isGone)).toBe(line)
  })
})

describe('what the far end says', () => {
  const stderr = [
    'impound-mount v1 /proc',
    'impound-mount v1 /data/a\\040b',
    'impound-begin v1 mounts=known xattrs=yes exclude=yes counted=yes',
    'impound-mount v1 /etc',
    'tar: ./root: Cannot open: Permission denied',
    "tar: can't open './x: y': Permission denied",
    `impound-trailer v1 bytes=1 sha256=${'a'.repeat(64)} tar=0`,
    `impound-trailer v1 bytes=10240 sha256=${'b'.repeat(64)} tar=2`,
    '',
  ].join('\n')

  it('believes mounts before the beginning only, and the last line only', () => {
    const report = parseReport(Buffer.from(stderr), false)
    expect(report).toMatchObject({
      hasXattrs: true,
      mounts: ['proc', 'data/a b'],
      trailer: { bytes: 10240, sha256: 'b'.repeat(64), tar: 2 },
    })
    expect(report.complaints).toHaveLength(4)
    const paths = pathsComplainedOf(report)
    expect([paths.has('root'), paths.has('x: y'), paths.has('x')]).toEqual([true, true, true])
  })

  it.each([
    '',
    'garbage',
    'impound-trailer v1 bytes=x sha256=- tar=0',
    'impound-trailer v1 bytes=1 sha256=- tar=0\nmore',
  ])('takes %j for no trailer', (text) => {
    expect(parseReport(Buffer.from(text), false).trailer).toBeUndefined()
  })
})

describe('what an absence proves', () => {
  const complaints = new Set(['root', 'etc/shadow'])

  it.each([
    [true, 0, 'etc/x', true],
    [false, 0, 'etc/x', false],
    [true, 2, 'etc/x', true],
    [true, 2, 'etc/shadow', false],
    [true, 2, 'root/.ssh/id', false],
    [true, 2, 'etc/caf\xe9', false],
    [true, undefined, 'etc/x', true],
  ])('whole %j, tar %j: %j is proven gone: %j', (isWhole, status, key, proven) => {
    expect(absenceProof(isWhole, status, complaints)(key)).toBe(proven)
  })

  it('proves nothing where complaints were lost', () => {
    expect(absenceProof(true, 2, undefined)('etc/x')).toBe(false)
  })
})

describe('mounts', () => {
  it('undoes the escapes of mountinfo', () => {
    expect(unescapeMount('/a\\040b\\134\\012c')).toBe('a b\\\nc')
    expect(unescapeMount('/../x')).toBeUndefined()
  })

  it('tells what lies at, below and above a mount, and what nobody explains', () => {
    const table = new MountTable(['proc', 'data/v', 'etc/hosts', 'opt/x'], ['data/v'])
    expect([table.covers('data/v/f'), table.covers('data'), table.covers('etc/hosts')]).toEqual([
      true,
      false,
      false,
    ])
    expect([table.isAbove('data'), table.isAbove(''), table.isAbove('data/v')]).toEqual([true, true, false])
    expect(table.unexplained()).toEqual(['opt/x'])
  })

  it('reads the volume mounts of one container', () => {
    const pod = {
      spec: {
        containers: [
          { name: 'a', volumeMounts: [{ mountPath: '/data/' }, { mountPath: 7 }, {}] },
          { name: 'b', volumeMounts: [{ mountPath: '/other' }] },
        ],
      },
    }
    expect(volumeMountsOf(pod, 'a')).toEqual(['data'])
    expect(volumeMountsOf({}, 'a')).toEqual([])
  })
})

describe('what a runtime says it runs', () => {
  it.each([
    [`docker-pullable://r.test/a@${D}`, { reference: `r.test/a@${D}`, digest: D }],
    [`r.test/a@${D}`, { reference: `r.test/a@${D}`, digest: D }],
    [`docker://${D}`, { reference: undefined, digest: D }],
    [D, { reference: undefined, digest: D }],
    ['r.test/a:tag', { reference: undefined, digest: undefined }],
    ['', { reference: undefined, digest: undefined }],
  ])('%j', (imageID, expected) => {
    expect(parseImageID(imageID)).toEqual(expected)
  })

  it.each([
    ['r.test/a:1', `other.test/b@${D}`, [`r.test/a@${D}`, `other.test/b@${D}`]],
    ['r.test/a:1', `r.test/a@${D}`, [`r.test/a@${D}`]],
    ['r.test:5000/a', D, ['r.test:5000/a']],
    ['', `r.test/a@${D}`, [`r.test/a@${D}`]],
    ['', '', []],
  ])('looks for %j with the ID %j under %j', (spec, imageID, expected) => {
    expect(candidates(spec, imageID)).toEqual(expected)
  })

  it.each([
    ['r.test:5000/a:1', 'r.test:5000/a', '1'],
    ['r.test:5000/a', 'r.test:5000/a', 'latest'],
    [`r.test/a@${D}`, 'r.test/a', undefined],
    [`r.test/a:1@${D}`, 'r.test/a', '1'],
  ])('%s has the repository %s and the tag %s', (reference, repository, tag) => {
    expect([repositoryOf(reference), tagOf(reference)]).toEqual([repository, tag])
  })
})
