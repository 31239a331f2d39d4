import { describe, expect, it } from '@jest/globals'

import { applyLayers, bytePath, childrenOf, type Layer } from '../../../../src/lab/shop/files/tree.js'
import { LayerDraft } from '../../../../src/lab/shop/images/draft.js'

function paths(...layers: readonly Layer[]): readonly string[] {
  return [...applyLayers(layers).keys()]
}

describe('layers on each other', () => {
  const lower = new LayerDraft().file('a/x', '1').file('a/b/y', '2').file('c', '3').layer()

  it.each([
    ['a file', new LayerDraft().whiteout('a/x').layer(), ['a', 'a/b', 'a/b/y', 'c']],
    ['a directory with all below it', new LayerDraft().whiteout('a/b').layer(), ['a', 'a/x', 'c']],
    ['a name in the root', new LayerDraft().whiteout('c').layer(), ['a', 'a/b', 'a/b/y', 'a/x']],
    ['what never was', new LayerDraft().whiteout('a/z').layer(), ['a', 'a/b', 'a/b/y', 'a/x', 'c']],
    ['everything in an opaque directory', new LayerDraft().opaque('a').layer(), ['a', 'c']],
  ])('hide %s', (_what, upper, left) => {
    expect(paths(lower, upper).toSorted()).toEqual(left)
  })

  it('never hide what their own layer brings, whatever the order of its members', () => {
    const upper = new LayerDraft().file('a/!new', '4').opaque('a').file('a/zzz', '5').layer()
    expect(paths(lower, upper).toSorted()).toEqual(['a', 'a/!new', 'a/zzz', 'c'])
  })

  it('let the newer of two files stand', () => {
    const upper = new LayerDraft().file('c', 'newer').layer()
    expect(applyLayers([lower, upper]).get('c')).toMatchObject({ content: Buffer.from('newer') })
  })
})

describe('a byte path', () => {
  it('has a character for each byte of a name', () => {
    expect(bytePath('żółć')).toHaveLength(8)
  })

  it('sorts as bytes do', () => {
    const tree = applyLayers([
      new LayerDraft().file('b', '').file('Z', '').file('ą', '').file('a/b', '').layer(),
    ])
    expect(childrenOf(tree, '')).toEqual(['Z', 'a', 'b', bytePath('ą')])
  })
})
