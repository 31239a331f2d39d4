import { describe, expect, it } from '@jest/globals'

import { shortPath } from '../../src/cli/short-path.js'

describe('a path on the screen', () => {
  it.each([
    ['/home/ana/INC-42/a.tar.gz', './INC-42/a.tar.gz'],
    ['/home/ana', '/home/ana'],
    ['/home/anatol/x', '/home/anatol/x'],
    ['/cases/x', '/cases/x'],
    ['/home/ana/..x/y', '/home/ana/..x/y'],
  ])('%s is shown, in /home/ana, as %s', (path, shown) => {
    expect(shortPath(path, '/home/ana')).toBe(shown)
  })
})
