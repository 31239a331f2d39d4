import { describe, expect, it } from '@jest/globals'

import { forHtml } from '../../src/text/html.js'
import { HOSTILE } from './hostile-corpus.js'

describe('forHtml', () => {
  it('escapes what could open an element, an entity or an attribute', () => {
    expect(forHtml(`<a href='x' b="y">&\``)).toBe(
      '&lt;a href&#61;&#39;x&#39; b&#61;&quot;y&quot;&gt;&amp;&#96;',
    )
  })

  it('keeps lines where they are meant', () => {
    expect(forHtml('a\nb', { singleLine: false })).toBe('a\nb')
    expect(forHtml('a\nb')).toBe('a␊b')
  })

  it.each(HOSTILE)('leaves nothing of %s that a browser acts on', (_idea, text) => {
    const html = forHtml(text)
    expect(html).not.toMatch(/[<>"'`=]|&(?!(?:amp|lt|gt|quot|#39|#96|#61);)/)
    expect(html).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})
