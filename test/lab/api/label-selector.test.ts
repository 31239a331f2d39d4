import { describe, expect, it } from '@jest/globals'

import { parseLabelSelector } from '../../../src/lab/api/label-selector.js'

const LABELS = { app: 'web', tier: 'front', empty: '' }

describe('a label selector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app=db', false],
    ['app!=db', true],
    ['zone!=a', true],
    ['app', true],
    ['!app', false],
    ['!zone', true],
    ['app in (db, web)', true],
    ['app in (db)', false],
    ['app notin (db)', true],
    ['zone notin (a)', true],
    ['empty=', true],
    ['app=web,tier in (front,back),!zone', true],
    ['app=web,tier notin (front,back)', false],
    ['toString', false],
  ])('%j is %j', (text, expected) => {
    expect(parseLabelSelector(text)(LABELS)).toBe(expected)
  })

  it.each(['!!', 'a in', 'a=b=c', 'in (x)', 'a b'])('refuses %j', (text) => {
    expect(() => parseLabelSelector(text)).toThrow('unable to parse requirement')
  })
})
