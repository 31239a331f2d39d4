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

  it.each([
    ['a,', "found '', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"],
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (b))', "found ')', expected: ',' or 'end of string'"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a!b', "unable to parse requirement: found '!', expected: '=', '!=', '==', 'in', notin'"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a=(b)', "unable to parse requirement: found '(', expected: identifier"],
    ['a=b,,c', "found ',', expected: identifier after ','"],
    ['a<x', "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"],
    ['a=-b', 'unable to parse requirement: invalid label value: "-b": at key: "a": a valid label must be'],
    ['a/b/c', 'unable to parse requirement: invalid label key "a/b/c": a qualified name must consist of'],
    ['a%', 'unable to parse requirement: invalid label key "a%": name part must consist of'],
    ['A/b', 'unable to parse requirement: invalid label key "A/b": prefix part a lowercase RFC 1123'],
  ])('refuses %j as the server does', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message)
  })

  it.each([
    ['n>4', true],
    ['n>5', false],
    ['n<6', true],
    ['app>1', false],
    ['in=', false],
    ['empty in ()', true],
    ['app in (web,)', true],
  ])('%j is %j too', (text, expected) => {
    expect(parseLabelSelector(text)({ ...LABELS, n: '5' })).toBe(expected)
  })
})
