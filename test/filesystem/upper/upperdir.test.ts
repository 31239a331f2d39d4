import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'

import { afterAll, describe, expect, it } from '@jest/globals'

import { ContentTar } from '../../../src/filesystem/content-tar.js'
import type { TreeFacts } from '../../../src/filesystem/facts.js'
import { firstBytes, hasOverlay, look, removeOverlays, told, UPPERDIR_SCRIPT } from './overlay.js'

afterAll(removeOverlays)

const onOverlay = hasOverlay ? describe : describe.skip
const hasSetcap = existsSync('/usr/sbin/setcap') || existsSync('/sbin/setcap')

/** Shell that unpacks a path with extended attributes: few systems have a program that sets them. */
async function withXattrs(
  key: string,
  type: 'file' | 'directory',
  xattrs: Record<string, string>,
): Promise<string> {
  const pieces: Buffer[] = []
  const tar = new ContentTar(async (chunk) => void pieces.push(Buffer.from(chunk)))
  const facts = {
    mode: type === 'file' ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    mtime: { seconds: 1, nanoseconds: 0 },
  }
  await tar.begin(key, type, { ...facts, xattrs: new Map(Object.entries(xattrs)) } as unknown as TreeFacts, 0)
  await tar.finish()
  return `echo ${Buffer.concat(pieces).toString('base64')} | base64 -d | tar --xattrs --xattrs-include='*' -xf -`
}

const IMAGE = `
mkdir -p etc usr/share/doc/a usr/bin dir/sub var
echo root >etc/passwd; echo one >etc/one; echo same >etc/same; echo x >usr/share/doc/a/x
echo 1 >dir/1; echo 2 >dir/sub/2; printf '#!/bin/sh' >usr/bin/tool; chmod 755 usr/bin/tool; ln -s tool usr/bin/link
echo linked >var/a; ln var/a var/b
find . -exec touch -h -d 2026-01-02T03:04:05Z {} +
`

describe('the script', () => {
  it('is POSIX shell', () => {
    expect(spawnSync('sh', ['-n', '-c', UPPERDIR_SCRIPT]).stderr.toString()).toBe('')
  })
})

onOverlay('what stands in the upper directory of a real overlay', () => {
  const life = `
echo evil >tmp-new; chmod 755 tmp-new; echo two >>etc/one; rm etc/passwd; chmod 4755 usr/bin/tool
rm usr/bin/link; ln -s /tmp-new usr/bin/link; rm -rf usr/share/doc; rm etc/same; mkdir etc/same
mkfifo pipe; mkdir -p new/er
`
  const expected = [
    'added /new',
    'added /new/er',
    'added /pipe',
    'added /tmp-new exec-new',
    'deleted /etc/passwd',
    'deleted /usr/share/doc',
    'deleted /usr/share/doc/a',
    'deleted /usr/share/doc/a/x',
    'metadata-only /usr/bin/tool setuid',
    'modified /etc/one',
    'modified /usr/bin/link',
    'type-changed /etc/same',
  ]

  it.each(['image', 'node-lower'] as const)('is told exactly, against the %s', async (against) => {
    const seen = await look({ image: IMAGE, life }, { against })
    expect(told(seen)).toEqual(expected)
    expect(told(seen, 'runtime')).toEqual([])
    expect(seen.end).toMatchObject({ failure: undefined, isCompared: true, alive: true, troubles: [] })
    expect(seen.order).toEqual(seen.order.toSorted())
    expect(seen.entries.get('/etc/one')).toMatchObject({
      changed: ['content', 'mtime'],
      content: 'kept',
      before: { size: 4 },
      after: { size: 8, nlink: 1 },
    })
    expect(seen.entries.get('/usr/bin/tool')).toMatchObject({ changed: ['mode'] })
    expect(seen.entries.get('/usr/bin/link')).toMatchObject({
      before: { link: 'tool' },
      after: { link: '/tmp-new' },
    })
    expect(seen.entries.get('/usr/share/doc/a/x')?.before?.size).toBe(2)
    const kept = new Map(seen.kept.map(({ header, content }) => [header.path.toString(), content.toString()]))
    expect(kept.get('tmp-new')).toBe('evil\n')
    expect(kept.has('usr/bin/tool')).toBe(false)
  })

  it('is nothing where nothing was written', async () => {
    const seen = await look({ image: IMAGE })
    expect([...seen.entries.keys()]).toEqual([])
    expect(seen.end.entries).toBe(1)
  })

  it.each(['image', 'node-lower'] as const)(
    'has a directory that was deleted and made again: what was in it is gone, against the %s',
    async (against) => {
      const life = 'rm -rf dir; mkdir -p dir/sub dir2/sub; echo 3 >dir/3; echo 1 >dir/1'
      const seen = await look({ image: IMAGE, life }, { against })
      expect(told(seen)).toEqual([
        'added /dir/3',
        'added /dir2',
        'added /dir2/sub',
        'deleted /dir/sub/2',
        'metadata-only /dir/1',
        'opaque /dir',
      ])
      expect(seen.entries.get('/dir/1')?.changed).toEqual(['mtime'])
    },
  )

  it.each(['image', 'node-lower'] as const)(
    'has a directory that became a symlink: it is not followed, against the %s',
    async (against) => {
      const seen = await look({ image: IMAGE, life: 'rm -rf dir; ln -s / dir' }, { against })
      expect(told(seen)).toEqual([
        'deleted /dir/1',
        'deleted /dir/sub',
        'deleted /dir/sub/2',
        'type-changed /dir',
      ])
      expect(seen.end.entries).toBe(2)
    },
  )

  it('is judged by hash where size and modification time were put back', async () => {
    const life = "printf '#!/bin/ev' >usr/bin/tool; touch -d 2026-01-02T03:04:05Z usr/bin/tool"
    const seen = await look({ image: IMAGE, life }, { startedAt: Date.now() / 1000 - 60 })
    expect(told(seen)).toEqual(['modified /usr/bin/tool exec-new timestomp'])
    expect(seen.entries.get('/usr/bin/tool')?.changed).toEqual(['content'])
  })

  it('tells a file that was written again as it was from one that changed', async () => {
    const life = 'cp -p etc/one x; cat x >etc/one; touch -r x etc/one; rm x'
    const seen = await look({ image: IMAGE, life })
    expect(told(seen)).toEqual([])
    expect(seen.end.same).toBe(1)
    expect(seen.facts.get('/etc/one')?.size).toBe(4)
  })

  it('calls old a file that has a time from before its container', async () => {
    const life =
      'echo x >old; touch -d 2020-01-01 old; echo x >new; echo x >future; touch -d 2060-01-01 future'
    const seen = await look({ image: IMAGE, life }, { startedAt: Math.floor(Date.now() / 1000) - 60 })
    expect(told(seen)).toEqual(['added /future timestomp', 'added /new', 'added /old backdated'])
  })

  it('has names of any bytes', async () => {
    const names = [
      "'a\nb'",
      "$'\\033[2J'",
      "$'\\377\\376'",
      "'-rf'",
      "'$(id)'",
      "'a b'",
      "'=x'",
      "'%s'",
      "'a-b'",
      "'a'",
    ]
    const life = `bash -c ${quoted(`mkdir d; cd d; for n in ${names.join(' ')}; do echo x >"./$n"; done`)}`
    const seen = await look({ image: IMAGE, life })
    expect(seen.order).toEqual([
      '',
      'd',
      'd/\x1b[2J',
      'd/$(id)',
      'd/%s',
      'd/-rf',
      'd/=x',
      'd/a',
      'd/a\nb',
      'd/a b',
      'd/a-b',
      'd/\xff\xfe',
    ])
    expect(seen.entries.get('/d/\xff\xfe')).toMatchObject({
      path: '/d/\ufffd\ufffd',
      content: 'kept',
      pathB64: 'L2Qv//4=',
    })
    expect(seen.end.troubles).toEqual([])
  })

  it('has hard links: new names share their content, a changed one is a copy', async () => {
    const life = 'echo h >h1; ln h1 h2; echo more >>var/a'
    const seen = await look({ image: IMAGE, life })
    expect(told(seen)).toEqual(['added /h1', 'added /h2', 'modified /var/a'])
    expect(seen.entries.get('/h2')).toMatchObject({ after: { type: 'file', nlink: 2 }, content: 'kept' })
    expect(seen.entries.get('/h2')?.after?.ino).toBe(seen.entries.get('/h1')?.after?.ino)
    expect(seen.kept.find(({ header }) => header.path.toString() === 'h2')?.header).toMatchObject({
      type: 'hardlink',
      linkPath: Buffer.from('h1'),
    })
  })

  it('has files with holes, of which only what is stored travels', async () => {
    const life = 'truncate -s 20G big; printf end >>big; printf x >half; truncate -s 1M half'
    const seen = await look({ image: IMAGE, life })
    const big = seen.entries.get('/big')
    expect(big).toMatchObject({ content: 'kept', after: { size: 20 * 2 ** 30 + 3 } })
    expect(big?.after?.allocated).toBeLessThan(1 << 20)
    expect(seen.reading.bytes).toBeLessThan(1 << 20)
    expect(seen.kept.find(({ header }) => header.path.toString() === 'big')?.header.sparse).toMatchObject({
      realSize: 20 * 2 ** 30 + 3,
    })
    expect(seen.entries.get('/half')?.after?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('has attributes byte for byte, and not the marks of the overlay itself', async () => {
    const life = await withXattrs('x', 'file', { 'user.a=b%c': '\0\xff\n=', 'user.overlay.opaque': 'y' })
    const seen = await look({ image: IMAGE, life })
    const xattrs = seen.entries.get('/x')?.after?.xattrs
    expect(xattrs).toEqual({
      'user.a=b%c': Buffer.from('\0\xff\n=', 'latin1').toString('base64'),
      'user.overlay.opaque': Buffer.from('y').toString('base64'),
    })
    expect(seen.facts.get('/')?.xattrs).toBeUndefined()
  })

  const caps = hasSetcap ? it : it.skip
  caps('has capabilities of files', async () => {
    const seen = await look({ image: IMAGE, life: 'setcap cap_net_raw+ep usr/bin/tool' })
    expect(told(seen)).toEqual(['metadata-only /usr/bin/tool caps'])
    expect(seen.entries.get('/usr/bin/tool')).toMatchObject({ changed: ['xattrs'] })
  })

  it('has sockets, which no tar holds', async () => {
    const listen = "require('node:net').createServer().listen('./s', () => process.exit())"
    const life = `${process.execPath} -e ${quoted(listen)}`
    const seen = await look({ image: IMAGE, life })
    expect(seen.entries.get('/s')).toMatchObject({ change: 'added', after: { type: 'socket' } })
  })

  it('keeps a file that image tools would read as a deletion, and what it hides', async () => {
    const seen = await look({
      image: IMAGE,
      life: 'mkdir t; echo payload >t/.wh.x; echo p2 >etc/.wh..wh..opq',
    })
    expect(told(seen)).toEqual([
      'added /etc/.wh..wh..opq fake-whiteout',
      'added /t',
      'added /t/.wh.x fake-whiteout',
    ])
    expect(seen.kept.find(({ header }) => header.path.toString() === 't/.wh.x')?.content.toString()).toBe(
      'payload\n',
    )
  })

  it('has files whose content is still the image’s: renamed and changed in mode they are not destroyed', async () => {
    const life = 'chmod 700 etc/one; mv usr/bin/tool usr/bin/hidden'
    const seen = await look({ image: IMAGE, life, options: 'metacopy=on,redirect_dir=on' })
    expect(told(seen)).toEqual([
      'added /usr/bin/hidden exec-new',
      'deleted /usr/bin/tool',
      'metadata-only /etc/one exec-new',
    ])
    const before = seen.entries.get('/usr/bin/tool')?.before
    expect(seen.entries.get('/etc/one')).toMatchObject({ changed: ['mode'], content: 'in-image' })
    expect(seen.entries.get('/usr/bin/hidden')).toMatchObject({
      content: 'in-image',
      movedFrom: '/usr/bin/tool',
      after: { sha256: before?.sha256, size: 9 },
    })
    expect(seen.kept.map(({ header }) => header.path.toString())).not.toContain('usr/bin/hidden')
  })

  it('has renamed directories: what is in them is compared with where it came from', async () => {
    const life = 'mv dir moved; echo more >>moved/1; mkdir moved/new; mv moved/sub moved/sub2'
    const seen = await look({ image: IMAGE, life, options: 'redirect_dir=on' })
    expect(told(seen)).toEqual([
      'added /moved',
      'added /moved/new',
      'added /moved/sub2',
      'deleted /dir',
      'deleted /dir/1',
      'deleted /dir/sub',
      'deleted /dir/sub/2',
      'deleted /moved/sub',
      'modified /moved/1',
    ])
    expect(seen.entries.get('/moved')).toMatchObject({ movedFrom: '/dir' })
    expect(seen.entries.get('/moved/1')).toMatchObject({ movedFrom: '/dir/1', before: { size: 2 } })
    expect(seen.entries.get('/moved/sub2')).toMatchObject({ movedFrom: '/dir/sub' })
  })

  it('honours marks in user.overlay only where the mount does', async () => {
    const mark = await withXattrs('dir', 'directory', { 'user.overlay.opaque': 'y' })
    const plain = await look({ image: IMAGE, life: mark })
    expect(told(plain)).toEqual(['metadata-only /dir fake-mark'])
    // The mark of the container is kept for an overlay within it; that of the overlay counts
    const seen = await look({ image: IMAGE, life: 'rm -rf dir; mkdir dir', options: 'userxattr' })
    expect(seen.reading.facts.userxattr).toBe(true)
    expect(told(seen)).toEqual(['deleted /dir/1', 'deleted /dir/sub', 'deleted /dir/sub/2', 'opaque /dir'])
  })

  it('says that it could not see marks without CAP_SYS_ADMIN', async () => {
    const life = 'rm -rf dir; mkdir dir'
    const around = 'setpriv --bounding-set -sys_admin'
    const seen = await look({ image: IMAGE, life, around })
    expect(seen.reading.facts.sysadmin).toBe(false)
    expect(told(seen)).not.toContain('opaque /dir')
  })

  it('tells stubs of mounts from what hides under them', async () => {
    const life =
      'mkdir -p data/a cache run/secrets; echo x >data/a/payload; touch etc/hosts; echo x >etc/hostname'
    const mounts = ['/data', '/cache', '/etc/hosts', '/run/secrets/sa', '/proc', '/etc/hostname']
    const seen = await look({ image: IMAGE, life, mounts })
    expect(told(seen, 'under-mount')).toEqual([
      'added /data/a',
      'added /data/a/payload',
      'added /etc/hostname',
    ])
    expect(told(seen, 'runtime')).toEqual([
      'added /cache',
      'added /data',
      'added /etc/hosts',
      'added /run',
      'added /run/secrets',
    ])
    expect(told(seen)).toEqual([])
  })

  it('gives owners as the container has them', async () => {
    const life =
      'echo x >mine; chown 100000:100005 mine; echo x >etc/one; chown 100000:100000 etc/one; echo x >foreign'
    const seen = await look({ image: IMAGE, life, ids: '0 100000 65536' })
    expect(seen.entries.get('/mine')?.after).toMatchObject({ uid: 0, gid: 5 })
    expect(seen.entries.get('/etc/one')?.changed).toEqual(['content', 'mtime'])
    expect(seen.entries.get('/foreign')?.after).toMatchObject({ uid: 0, gid: 0 })
    expect(seen.end.foreignOwners).toBeGreaterThan(0)
  })

  it('says which files changed while they were read', async () => {
    const write = 'echo x >>busy; echo y >other; mv other there; sleep 0.01'
    const loop = `( for i in $(seq 500); do ${write}; done ) >/dev/null 2>&1 </dev/null &`
    const life = `echo quiet >quiet; echo >there; ${loop} while ! [ -s busy ]; do sleep 0.01; done`
    const seen = await look({ image: IMAGE, life })
    expect(seen.entries.get('/busy')?.flags).toContain('changed-during-read')
    expect(seen.entries.get('/there')?.flags).toContain('changed-during-read')
    expect(seen.entries.get('/quiet')?.flags).toEqual([])
  })

  it('sends executables and the newest files first where contents are more than the bound', async () => {
    const life = `
printf '%01000d' 1 >old; ln old older; sleep 0.02; printf '%01000d' 2 >tool; chmod 755 tool; sleep 0.02; printf '%05000d' 3 >huge
sleep 0.02; cp -p etc/one x; cat x >etc/one; touch -r x etc/one; rm x; printf '%01000d' 4 >new; ln -s old link
`
    const seen = await look({ image: IMAGE, life }, { maxContentBytes: 2500 })
    const contents = ['/old', '/older', '/tool', '/huge', '/new'].map(
      (path) => seen.entries.get(path)?.content,
    )
    expect(contents).toEqual(['too-big', 'too-big', 'kept', 'too-big', 'kept'])
    expect(seen.reading.bytes).toBeLessThan(20_000)
    expect(seen.end).toMatchObject({ failure: undefined, troubles: [] })
    const sum = (text: string): string => createHash('sha256').update(text).digest('hex')
    expect(seen.entries.get('/old')?.after?.sha256).toBe(sum('1'.padStart(1000, '0')))
    expect(seen.entries.get('/huge')?.after?.sha256).toBe(sum('3'.padStart(5000, '0')))
    expect(seen.entries.get('/link')?.change).toBe('added')
    expect(seen.entries.has('/etc/one')).toBe(false)
  })

  it('keeps what came before a stream was cut, and lists the rest without content', async () => {
    const life = 'for i in $(seq 9); do echo $i >f$i; done; rm -r dir'
    const whole = await look({ image: IMAGE, life })
    const { bytes } = whole.reading
    const tarAt = bytes - 10_240 - 2048
    const seen = await look({ image: IMAGE, life }, { spoil: (payload) => firstBytes(payload, tarAt) })
    expect(seen.end.failure?.code).toBe('cut')
    expect(seen.order).toEqual(whole.order)
    const contents = [...seen.entries.values()].map(({ content }) => content)
    expect(contents).toContain('kept')
    expect(contents).toContain('cut')
    expect(seen.end.isCompared).toBe(false)
  })
})

onOverlay('a root that can not be read as an upper directory', () => {
  it.each([
    ['is no overlay', 'sub(/ - overlay /, " - ext4 ");', 'unsupported', 'is ext4, not an overlay'],
    [
      'is mounted read-only',
      'gsub(/,(upperdir|workdir)=[^, ]*/, "");',
      'unsupported',
      'without an upper directory',
    ],
    ['has lost its upperdir', 'sub(/,upperdir=[^, ]*/, "");', 'integrity', 'cut'],
    ['was cut after its layers', 'sub(/,upperdir=.*/, "");', 'unsupported', 'without an upper directory'],
    ['was cut before its workdir', 'sub(/,workdir=.*/, "");', 'integrity', 'cut'],
    ['leads nowhere', 'sub(/upperdir=/, "upperdir=/nowhere");', 'integrity', 'not where the mount says'],
    ['leads to another directory', 'sub(/\\/u,/, "/w,");', 'integrity', 'not the one that is mounted'],
    [
      'is relative to what nobody knows',
      'sub(/upperdir=\\//, "upperdir=");',
      'integrity',
      'not where the mount says',
    ],
  ])('%s: that is said', async (_what, mountinfo, code, message) => {
    await expect(look({ image: IMAGE, life: 'echo x >x', mountinfo })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })
})

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
