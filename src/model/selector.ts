import type { LabelSelector } from './kubernetes.js'

type Labels = Readonly<Record<string, string>>

/**
 * Whether a label selector matches labels, as the API server evaluates it: an empty selector matches everything,
 * NotIn and DoesNotExist match where the key is absent. An operator that this version doesn't know matches
 * nothing and is reported by {@link unknownOperators}.
 * Source: k8s.io/apimachinery, metav1.LabelSelectorAsSelector.
 */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  )
  return (
    equal && (selector.matchExpressions ?? []).every((expression) => expressionMatches(expression, labels))
  )
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

function expressionMatches(expression: Expression, labels: Labels): boolean {
  const key = expression.key ?? ''
  const present = Object.hasOwn(labels, key)
  const among = present && (expression.values ?? []).includes(labels[key] ?? '')
  switch (expression.operator ?? '') {
    case 'In':
      return among
    case 'NotIn':
      return !among
    case 'Exists':
      return present
    case 'DoesNotExist':
      return !present
    default:
      return false
  }
}

/** The operators that this version can evaluate. */
export const OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist'])

/** Operators in a selector that we can't evaluate; a caller that finds any must not claim to know the outcome. */
export function unknownOperators(selector: LabelSelector): readonly string[] {
  return (selector.matchExpressions ?? [])
    .map((expression) => expression.operator ?? '')
    .filter((operator) => !OPERATORS.has(operator))
}

/** Whether a Service's selector (plain equality) matches; an absent or empty selector selects nothing. */
export function serviceSelects(selector: Labels | undefined, labels: Labels): boolean {
  const entries = Object.entries(selector ?? {})
  return (
    entries.length > 0 && entries.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)
  )
}
