import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { META_PATH, SNAPSHOTS_PATH } from '../../../src/collectors/dead/containerd-records.js'
import { recordsIn } from '../../../src/collectors/dead/dead-containers.js'
import { ImpoundError } from '../../../src/model/errors.js'
import { boltFile } from '../../formats/bolt-file.js'
import { APP, containerdFiles, WEB_2 } from './containerd-files.js'

const UID = '1f3a9c02-5b7e-4c1d-9a60-7e2b8d4f1c35'
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const text = (value: string): Buffer => Buffer.from(value)

describe('containers of a pod that is gone', () => {
  it('are found in containerd’s metadata, with what they wrote and what lies below it', () => {
    const { meta, snapshots } = containerdFiles(UID)
    const root = '/var/lib/containerd'
    const files = new Map([
      [root + META_PATH, meta],
      [root + SNAPSHOTS_PATH, snapshots],
    ])
    const at = `${root}/io.containerd.snapshotter.v1.overlayfs/snapshots`
    const image = 'registry.example/app:1'
    expect(recordsIn(files, UID)).toEqual([
      {
        runtime: 'containerd',
        id: APP,
        name: 'app',
        image,
        layers: { upper: `${at}/7/fs`, lowers: [`${at}/300/fs`] },
      },
      { runtime: 'containerd', id: WEB_2, name: 'web-2', image, why: expect.stringContaining('stargz') },
    ])
    expect(recordsIn(files, 'nobody')).toEqual([])
    expect(recordsIn(new Map([[root + META_PATH, meta]]), UID)[0]).toMatchObject({
      why: expect.stringContaining('no record of its layers'),
    })
  })

  it('whose snapshots are each other’s parents have no layers', () => {
    const { meta } = containerdFiles(UID)
    const name = `k8s.io/9/${APP}`
    const circle = boltFile({ v1: { snapshots: { [name]: { id: Buffer.of(1), parent: text(name) } } } })
    const files = new Map([
      [`/r${META_PATH}`, meta],
      [`/r${SNAPSHOTS_PATH}`, circle],
    ])
    expect(recordsIn(files, UID)[0]).toMatchObject({ why: expect.any(String) })
  })

  it('are found in Docker’s files', () => {
    const root = '/var/lib/docker'
    const labels = { 'io.kubernetes.pod.uid': UID, 'io.kubernetes.container.name': 'app' }
    const files = new Map([
      [`${root}/containers/${APP}/config.v2.json`, json({ Config: { Labels: labels, Image: 'app:1' } })],
      [`${root}/image/overlay2/layerdb/mounts/${APP}/mount-id`, text('f00')],
      [`${root}/overlay2/f00/lower`, text('l/ABC:l/DEF')],
      // of a shim that sets no labels
      [`${root}/containers/${WEB_2}/config.v2.json`, json({ Name: `/k8s_web_p_ns_${UID}_3` })],
      [`${root}/containers/${'c'.repeat(64)}/config.v2.json`, json({ Name: `/k8s_POD_p_ns_${UID}_0` })],
      [`${root}/containers/${'d'.repeat(64)}/config.v2.json`, text('no JSON')],
    ])
    expect(recordsIn(files, UID)).toEqual([
      {
        runtime: 'docker',
        id: APP,
        name: 'app',
        image: 'app:1',
        layers: {
          upper: `${root}/overlay2/f00/diff`,
          lowers: [`${root}/overlay2/l/ABC`, `${root}/overlay2/l/DEF`],
        },
      },
      { runtime: 'docker', id: WEB_2, name: 'web', why: expect.any(String) },
    ])
  })

  it('are found in CRI-O’s store', () => {
    const root = '/var/lib/containers/storage'
    const files = new Map([
      [
        `${root}/overlay-containers/containers.json`,
        json([
          { id: APP, names: [`k8s_app_p_ns_${UID}_0`], layer: 'beef', image: 'sha' },
          { id: 'c'.repeat(64), names: [`k8s_POD_p_ns_${UID}_0`], layer: 'cafe' },
          { id: WEB_2, names: ['k8s_app_p_ns_another_0'], layer: 'cafe' },
        ]),
      ],
      [`${root}/overlay/beef/lower`, text('l/ABC')],
    ])
    expect(recordsIn(files, UID)).toMatchObject([
      {
        runtime: 'cri-o',
        name: 'app',
        layers: { upper: `${root}/overlay/beef/diff`, lowers: [`${root}/overlay/l/ABC`] },
      },
    ])
  })

  it.each(['../../etc', '/etc', 'x:y', '', 'a/b'])('have no layer of the name %j', (layer) => {
    const root = '/var/lib/docker'
    const labels = { 'io.kubernetes.pod.uid': UID }
    const files = new Map([
      [`${root}/containers/${APP}/config.v2.json`, json({ Config: { Labels: labels } })],
      [`${root}/image/overlay2/layerdb/mounts/${APP}/mount-id`, text(layer)],
    ])
    expect(recordsIn(files, UID)[0]?.layers).toBeUndefined()
  })

  it('are what they are or nothing, whatever stands in the files', () => {
    const { meta, snapshots } = containerdFiles(UID)
    const spoil = fc.array(fc.tuple(fc.nat(meta.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(spoil, fc.boolean(), (bytes, which) => {
        const files = { meta: Buffer.from(meta), snapshots: Buffer.from(snapshots) }
        const spoilt = which ? files.meta : files.snapshots
        for (const [at, byte] of bytes) spoilt[at % spoilt.length] = byte
        try {
          recordsIn(
            new Map([
              [`/r${META_PATH}`, files.meta],
              [`/r${SNAPSHOTS_PATH}`, files.snapshots],
            ]),
            UID,
          )
        } catch (error) {
          expect(error).toBeInstanceOf(ImpoundError)
        }
      }),
      { numRuns: 300 },
    )
  })
})
