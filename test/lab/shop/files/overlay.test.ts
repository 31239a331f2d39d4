import { describe, expect, it } from '@jest/globals'

import { Overlay } from '../../../../src/lab/shop/files/overlay.js'
import { applyLayers } from '../../../../src/lab/shop/files/tree.js'
import { LayerDraft } from '../../../../src/lab/shop/images/draft.js'

const AT = new Date('2026-11-23T02:00:00.700Z')
const SECONDS = Math.floor(AT.getTime() / 1000)

function overlay(): Overlay {
  const image = new LayerDraft().file('d/f', 'old', { mode: 0o600, uid: 7 }).symlink('d/l', 'f').layer()
  return new Overlay(applyLayers([image]))
}

describe('a container being written to', () => {
  it('dates a directory by what is made or deleted in it', () => {
    for (const written of [
      overlay().file('d/new', '', AT),
      overlay().delete('d/f', AT),
      overlay().symlink('d/l', '/elsewhere', AT),
      overlay().hardlink('d/again', 'd/f', AT),
    ]) {
      expect(written.tree.get('d')?.mtime).toBe(SECONDS)
    }
  })

  it('rewrites a file in place: its owner and mode stay, its directory is not dated', () => {
    const { tree } = overlay().file('d/f', 'new', AT)
    expect(tree.get('d/f')).toMatchObject({ mode: 0o600, uid: 7, mtime: SECONDS })
    expect(tree.get('d')?.mtime).toBeLessThan(SECONDS)
  })

  it('leaves the image as it was', () => {
    const image = applyLayers([new LayerDraft().file('f', 'old').layer()])
    new Overlay(image).delete('f', AT)
    expect(image.has('f')).toBe(true)
  })

  it('refuses to change what is not there', () => {
    expect(() => overlay().chmod('d/nothing', 0o777)).toThrow('no such path in this container: /d/nothing')
    expect(() => overlay().file('nowhere/f', '', AT)).toThrow('/nowhere')
  })
})
