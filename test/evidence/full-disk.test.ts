import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from '@jest/globals'

import { freeBytes, reopenSpool, sealSpool } from '../../src/evidence/index.js'
import { collectSome, DIRECTORY, newSpool, README, SCENE, steadyClock, STREAM } from './scratch.js'

const MIB = 1024 * 1024
const mounted: string[] = []

/** A disk of its own of so many MiB, in memory; undefined where we may not mount one. */
async function smallDisk(mebibytes: number): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'impound-disk-'))
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory], {
      stdio: 'ignore',
    })
  } catch {
    await rmdir(directory)
    return undefined
  }
  mounted.push(directory)
  return directory
}

async function unmount(): Promise<void> {
  for (const directory of mounted.splice(0)) {
    execFileSync('/bin/umount', ['-l', directory])
    await rmdir(directory)
  }
}

afterEach(unmount)

const probe = await smallDisk(1)
await unmount()
const whereWeMayMount = probe === undefined ? it.skip : it

describe('a disk that is full', () => {
  whereWeMayMount('is refused before a run begins on it', async () => {
    const disk = (await smallDisk(8))!
    expect(await freeBytes(disk)).toBe(8 * MIB)
    await expect(newSpool(disk)).rejects.toMatchObject({ code: 'storage' })
    expect(await readdir(disk)).toEqual([])
  })

  whereWeMayMount('in the middle of an artefact ends the run; freed, all that came is sealed', async () => {
    const disk = (await smallDisk(70))!
    await writeFile(join(disk, 'ballast'), Buffer.alloc(4 * MIB))
    const spool = await newSpool(disk)
    await collectSome(spool)
    const sink = spool.targetSink({ directory: DIRECTORY }, 'logs')
    const block = randomBytes(MIB)
    await expect(
      sink.attempt('big.log', STREAM, 'logs big', async (writer) => {
        for (let block64 = 0; block64 < 80; block64 += 1) await writer.write(block)
      }),
    ).rejects.toMatchObject({ code: 'storage', message: expect.stringContaining('the disk is full') })
    await expect(spool.log.append({ type: 'remark', text: 'x'.repeat(MIB) })).rejects.toMatchObject({
      code: 'storage',
    })
    await rm(join(disk, 'ballast'))
    await spool.interruptOpen()
    expect(spool.ledger()).toContainEqual(
      expect.objectContaining({ subject: 'logs big', status: 'partial', reason: 'failed' }),
    )
    const { signal } = new AbortController()
    // the archive itself does not fit beside its spool
    await expect(sealSpool(spool, { readme: README, besides: [], signal })).rejects.toMatchObject({
      code: 'storage',
    })
    expect(await readdir(disk)).toEqual([`${SCENE.run}.partial`])
    const again = await reopenSpool(spool.directory, steadyClock())
    expect(again).toMatchObject({ incomplete: undefined, remarks: [] })
    expect(again.spool.ledger()).toEqual(spool.ledger())
    await again.spool.close()
  })
})
