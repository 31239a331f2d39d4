import { badRequest } from './status.js'

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean

/** One requirement of a selector, whole. */
const REQUIREMENTS: readonly {
  readonly form: RegExp
  readonly test: (key: string, values: readonly string[]) => LabelTest
}[] = [
  {
    form: /^(?<key>[^\s!=<>()]+)\s+in\s*\((?<values>[^()]*)\)$/,
    test: (key, values) => (labels) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ''),
  },
  {
    form: /^(?<key>[^\s!=<>()]+)\s+notin\s*\((?<values>[^()]*)\)$/,
    test: (key, values) => (labels) => !(Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')),
  },
  {
    form: /^(?<key>[^\s!=<>()]+)\s*!=\s*(?<values>[^\s!=<>()]*)$/,
    test: (key, values) => (labels) => !Object.hasOwn(labels, key) || labels[key] !== (values[0] ?? ''),
  },
  {
    form: /^(?<key>[^\s!=<>()]+)\s*==?\s*(?<values>[^\s!=<>()]*)$/,
    test: (key, values) => (labels) => Object.hasOwn(labels, key) && labels[key] === (values[0] ?? ''),
  },
  { form: /^!\s*(?<key>[^\s!=<>()]+)$/, test: (key) => (labels) => !Object.hasOwn(labels, key) },
  { form: /^(?<key>[^\s!=<>()]+)$/, test: (key) => (labels) => Object.hasOwn(labels, key) },
]

/** The labelSelector parameter. Source: k8s.io/apimachinery, pkg/labels, Parse. */
export function parseLabelSelector(text: string): LabelTest {
  if (text.trim() === '') return () => true
  // commas within parentheses belong to a set
  const tests = text.split(/,(?![^(]*\))/).map((part) => requirement(part.trim()))
  return (labels) => tests.every((test) => test(labels))
}

function requirement(text: string): LabelTest {
  for (const { form, test } of REQUIREMENTS) {
    const match = form.exec(text)
    if (match === null) continue
    const values = (match.groups?.values ?? '').split(',').map((value) => value.trim())
    return test(match.groups?.key ?? '', values)
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: a label requirement`)
}
