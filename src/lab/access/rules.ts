/** A right that a user of the lab has. '*' stands for all; without a namespace it holds in all, without a name for all. */
export interface AccessRuleLike {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

/** What somebody wants to do. */
export interface Attempt {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

export function allows(rules: readonly AccessRuleLike[], attempt: Attempt): boolean {
  return rules.some(
    (rule) =>
      covers(rule.verb, attempt.verb) &&
      covers(rule.group, attempt.group) &&
      covers(resourceOf(rule), resourceOf(attempt)) &&
      (rule.namespace === undefined || rule.namespace === attempt.namespace) &&
      (rule.name === undefined || rule.name === attempt.name),
  )
}

/** 'pods/exec': a right to pods is none to their subresources. */
export function resourceOf(of: {
  readonly resource: string
  readonly subresource?: string | undefined
}): string {
  return of.subresource === undefined || of.subresource === ''
    ? of.resource
    : `${of.resource}/${of.subresource}`
}

function covers(granted: string, wanted: string): boolean {
  return granted === '*' || granted === wanted
}
