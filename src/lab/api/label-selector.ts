import { LABEL_VALUE, LABEL_VALUE_TEXT, qualifiedNameError } from './names.js'
import { badRequest } from './status.js'

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean

type Kind = 'end' | 'identifier' | ',' | '(' | ')' | '!' | '!=' | '=' | '==' | '>' | '<' | 'in' | 'notin'

interface Token {
  readonly kind: Kind
  readonly text: string
}

/** The word that an operator's list of possibilities has in the server's messages, its missing quote included. */
const OPERATORS = "'=', '!=', '==', 'in', notin'"

/**
 * The labelSelector parameter; refuses what the server refuses, in its words.
 * Source: k8s.io/apimachinery, pkg/labels, Parse; compared with a 1.20 server.
 */
export function parseLabelSelector(text: string): LabelTest {
  const tests = new Parser(text).selector()
  return (labels) => tests.every((test) => test(labels))
}

class Parser {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(text: string) {
    this.#tokens = tokens(text)
  }

  selector(): readonly LabelTest[] {
    const tests: LabelTest[] = []
    for (;;) {
      const token = this.#peek(true)
      if (token.kind === 'end') return tests
      if (token.kind !== 'identifier' && token.kind !== '!') {
        throw badRequest(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      }
      tests.push(this.#requirement())
      const after = this.#next(true)
      if (after.kind === 'end') return tests
      if (after.kind !== ',') throw badRequest(`found '${after.text}', expected: ',' or 'end of string'`)
      const follows = this.#peek(true)
      if (follows.kind !== 'identifier' && follows.kind !== '!') {
        throw badRequest(`found '${follows.text}', expected: identifier after ','`)
      }
    }
  }

  #requirement(): LabelTest {
    const negated = this.#peek(true).kind === '!'
    if (negated) this.#next(true)
    const key = this.#next(true)
    if (key.kind !== 'identifier') throw unparsable(`found '${key.text}', expected: identifier`)
    const wrong = qualifiedNameError(key.text)
    if (wrong !== undefined) throw unparsable(`invalid label key ${JSON.stringify(key.text)}: ${wrong}`)
    const follows = this.#peek(true).kind
    if (negated) return (labels) => !Object.hasOwn(labels, key.text)
    if (follows === 'end' || follows === ',') return (labels) => Object.hasOwn(labels, key.text)
    return this.#comparison(key.text)
  }

  #comparison(key: string): LabelTest {
    const operator = this.#next(false)
    switch (operator.kind) {
      case 'in':
      case 'notin': {
        const values = this.#set()
        checkValues(key, values)
        const among: LabelTest = (labels) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')
        return operator.kind === 'in' ? among : (labels) => !among(labels)
      }
      case '=':
      case '==':
      case '!=': {
        const value = this.#value()
        checkValues(key, [value])
        const equal: LabelTest = (labels) => Object.hasOwn(labels, key) && labels[key] === value
        return operator.kind === '!=' ? (labels) => !equal(labels) : equal
      }
      case '>':
      case '<': {
        const bound = this.#value()
        if (!/^[-+]?\d+$/.test(bound)) {
          throw unparsable("for 'Gt', 'Lt' operators, the value must be an integer")
        }
        const sign = operator.kind === '>' ? 1 : -1
        return (labels) =>
          /^[-+]?\d+$/.test(labels[key] ?? '') && sign * (Number(labels[key]) - Number(bound)) > 0
      }
      case 'end':
      case 'identifier':
      case ',':
      case '(':
      case ')':
      case '!':
        throw unparsable(`found '${operator.text}', expected: ${OPERATORS}`)
    }
  }

  #value(): string {
    const token = this.#peek(true)
    if (token.kind === 'end' || token.kind === ',') return ''
    this.#next(true)
    if (token.kind === 'identifier') return token.text
    throw unparsable(`found '${token.text}', expected: identifier`)
  }

  #set(): readonly string[] {
    const open = this.#next(true)
    if (open.kind !== '(') throw unparsable(`found '${open.text}' expected: '('`)
    const first = this.#peek(true)
    if (first.kind !== 'identifier' && first.kind !== ',' && first.kind !== ')') {
      throw unparsable(`found '${first.text}', expected: ',', ')' or identifier`)
    }
    const values: string[] = []
    let wanted = true
    for (;;) {
      const token = this.#next(true)
      if (token.kind === 'identifier' && wanted) {
        values.push(token.text)
        wanted = false
      } else if (token.kind === ',') {
        if (wanted) values.push('')
        wanted = true
      } else if (token.kind === ')') {
        if (wanted) values.push('')
        return values
      } else {
        throw unparsable(
          wanted
            ? `found '${token.text}', expected: ',', or identifier`
            : `found '${token.text}', expected: ',' or ')'`,
        )
      }
    }
  }

  /** Where a value may stand, 'in' and 'notin' are words like any other. */
  #peek(values: boolean): Token {
    const token = this.#tokens[this.#position] ?? { kind: 'end', text: '' }
    const isWord = values && (token.kind === 'in' || token.kind === 'notin')
    return isWord ? { kind: 'identifier', text: token.text } : token
  }

  #next(values: boolean): Token {
    const token = this.#peek(values)
    this.#position += 1
    return token
  }
}

function tokens(text: string): readonly Token[] {
  const found = text.matchAll(/[()]|,|!=|!|==|=|>|<|[^\s()=!<>,]+/g)
  return [...found].map(([lexeme]) => {
    const isSymbol = /^(?:[(),!=<>]|!=|==|in|notin)$/.test(lexeme)
    return { kind: isSymbol ? (lexeme as Kind) : 'identifier', text: lexeme }
  })
}

function checkValues(key: string, values: readonly string[]): void {
  for (const value of values) {
    if (LABEL_VALUE.test(value)) continue
    throw unparsable(
      `invalid label value: ${JSON.stringify(value)}: at key: ${JSON.stringify(key)}: ${LABEL_VALUE_TEXT}`,
    )
  }
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`)
}
