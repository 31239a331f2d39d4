import type { Subject } from '../engine/roles.js'
import { ImpoundError } from '../model/errors.js'

interface SubjectFlags {
  readonly user: readonly string[] | undefined
  readonly group: readonly string[] | undefined
  readonly 'service-account': readonly string[] | undefined
}

/** Whom --user, --group and --service-account name. Throws `usage` for an account without its namespace. */
export function subjectsOf(flags: SubjectFlags): readonly Subject[] {
  return [
    ...(flags.user ?? []).map((name) => ({ kind: 'User', name }) as const),
    ...(flags.group ?? []).map((name) => ({ kind: 'Group', name }) as const),
    ...(flags['service-account'] ?? []).map((given) => {
      const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(given) ?? []
      if (namespace === undefined || name === undefined) {
        throw new ImpoundError('usage', `"${given}" is no service account`, {
          hints: ['write NAMESPACE/NAME'],
        })
      }
      return { kind: 'ServiceAccount', namespace, name } as const
    }),
  ]
}
