import { execFileSync } from 'node:child_process'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { readTar } from '../../../../src/formats/tar.js'
import { tarArchive, type TarDialect, type TarMember } from '../../../../src/lab/shop/files/tar-writer.js'

const OWNER = { mode: 0o640, uid: 1000, gid: 20, mtime: 1_764_000_000 }

async function* from(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
}

async function read(members: readonly TarMember[], dialect: TarDialect): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for await (const { header, content } of readTar(from(tarArchive(members, dialect)))) {
    const bytes: Buffer[] = []
    for await (const chunk of content) bytes.push(Buffer.from(chunk))
    found.push([header.path.toString('latin1'), header.type, Buffer.concat(bytes).toString('latin1')])
  }
  return found
}

/** Any bytes but NUL and slash: what Linux lets a name be. */
const name = fc
  .string({
    unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    minLength: 1,
    maxLength: 300,
  })
  .map((text) => text.replaceAll('/', '_'))

describe.each(['pax', 'gnu'] as const)('a tar in the %s dialect', (dialect) => {
  it('keeps every name and content, whatever their bytes and length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.string({ maxLength: 1200 })), { maxLength: 5 }),
        async (files) => {
          const members = files.map(([text, content]): TarMember => {
            const bytes = Buffer.from(content, 'utf8')
            return { name: `./${text}`, node: { kind: 'file', content: bytes, ...OWNER } }
          })
          const expected = members.map(({ name: path, node }) => [
            path,
            'file',
            node.kind === 'file' ? node.content.toString('latin1') : '',
          ])
          expect(await read(members, dialect)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is read by tar: types, modes, owners, times, long names and link targets', () => {
    const long = `./${'directory/'.repeat(30)}`
    const members: readonly TarMember[] = [
      { name: long, node: { kind: 'directory', ...OWNER, mode: 0o1777 } },
      { name: `${long}file`, node: { kind: 'file', content: Buffer.from('1234'), ...OWNER, mode: 0o4755 } },
      { name: './hard', node: { kind: 'hardlink', target: `${long}file`, ...OWNER } },
      { name: './soft', node: { kind: 'symlink', target: 'x'.repeat(150), ...OWNER } },
    ]
    const tar = Buffer.concat([...tarArchive(members, dialect)])
    const lines = execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', '-'], {
      input: tar,
      encoding: 'utf8',
    })
    expect(lines.split('\n')).toEqual([
      `drwxrwxrwt 1000/20           0 2025-11-24 16:00 ${long}`,
      `-rwsr-xr-x 1000/20           4 2025-11-24 16:00 ${long}file`,
      `hrw-r----- 1000/20           0 2025-11-24 16:00 ./hard link to ${long}file`,
      `lrw-r----- 1000/20           0 2025-11-24 16:00 ./soft -> ${'x'.repeat(150)}`,
      '',
    ])
  })

  it('ends with two zero blocks and nothing after them', () => {
    const tar = Buffer.concat([...tarArchive([], dialect)])
    expect(tar).toEqual(Buffer.alloc(1024))
  })
})
