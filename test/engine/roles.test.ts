import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { roleObjects, rolesFor } from '../../src/engine/roles.js'
import { accessNeeds, anyPod } from '../../src/engine/run-access.js'
import { readScripts } from '../../src/engine/system.js'
import { subjectsOf } from '../../src/cli/subjects.js'
import type { AccessRule } from '../../src/model/api-path.js'

const rights = fc.record(
  {
    verb: fc.constantFrom('get', 'list', 'create', 'delete'),
    group: fc.constantFrom('', 'apps'),
    resource: fc.constantFrom('pods', 'nodes', 'deployments'),
    subresource: fc.constantFrom('log', 'exec'),
    namespace: fc.constantFrom('shop', 'default'),
    name: fc.constantFrom('a', 'b'),
  },
  { requiredKeys: ['verb', 'group', 'resource'] },
) as fc.Arbitrary<AccessRule>

const QUESTIONS: readonly AccessRule[] = (['get', 'list', 'create', 'delete'] as const).flatMap((verb) =>
  ['', 'apps'].flatMap((group) =>
    ['pods', 'nodes', 'deployments'].flatMap((resource) =>
      [undefined, 'log', 'exec'].flatMap((subresource) =>
        [undefined, 'shop', 'default'].flatMap((namespace) =>
          [undefined, 'a', 'b'].map((name) => ({
            ...{ verb, group, resource },
            ...(subresource === undefined ? {} : { subresource }),
            ...(namespace === undefined ? {} : { namespace }),
            ...(name === undefined ? {} : { name }),
          })),
        ),
      ),
    ),
  ),
)

function full({ resource, subresource }: AccessRule): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`
}

/** As the RBAC authorizer decides, by its documentation. */
function granted(roles: ReturnType<typeof rolesFor>, asked: AccessRule): boolean {
  return roles.some(
    ({ namespace, rules }) =>
      (namespace === undefined || namespace === asked.namespace) &&
      rules.some(
        ({ apiGroups, resources, resourceNames, verbs }) =>
          verbs.includes(asked.verb) &&
          apiGroups.includes(asked.group) &&
          resources.includes(full(asked)) &&
          (resourceNames === undefined || (asked.name !== undefined && resourceNames.includes(asked.name))),
      ),
  )
}

function wanted(all: readonly AccessRule[], asked: AccessRule): boolean {
  return all.some(
    (one) =>
      one.verb === asked.verb &&
      one.group === asked.group &&
      full(one) === full(asked) &&
      (one.namespace === undefined || one.namespace === asked.namespace) &&
      (one.name === undefined || one.name === asked.name),
  )
}

describe('the roles for a list of rights', () => {
  it('grant each of them and no other', () => {
    fc.assert(
      fc.property(fc.array(rights, { maxLength: 12 }), (all) => {
        const roles = rolesFor(all)
        const wrong = QUESTIONS.filter((asked) => granted(roles, asked) !== wanted(all, asked))
        expect(wrong).toEqual([])
      }),
    )
  })

  it('are the same in whatever order they are given', () => {
    fc.assert(
      fc.property(fc.uniqueArray(rights, { maxLength: 8, selector: (one) => JSON.stringify(one) }), (all) => {
        expect(rolesFor(all.toReversed())).toEqual(rolesFor(all))
      }),
    )
  })

  it('are bound to whom they are for', () => {
    const subjects = subjectsOf({ user: ['ana'], group: undefined, 'service-account': ['ops/bot'] })
    const objects = roleObjects(
      rolesFor([{ verb: 'get', group: '', resource: 'pods', namespace: 'shop' }]),
      'x',
      subjects,
    )
    expect(objects).toMatchObject([
      { kind: 'Role', metadata: { name: 'x', namespace: 'shop' } },
      {
        kind: 'RoleBinding',
        roleRef: { kind: 'Role', name: 'x' },
        subjects: [
          { kind: 'User', name: 'ana' },
          { kind: 'ServiceAccount', namespace: 'ops', name: 'bot' },
        ],
      },
    ])
    expect(() => subjectsOf({ user: [], group: [], 'service-account': ['bot'] })).toThrow(
      'no service account',
    )
  })
})

describe('the rights of a run', () => {
  const needs = async (
    command: 'seize' | 'snapshot' | 'release',
    more: {
      readonly openShift?: boolean
      readonly node?: boolean
      readonly kill?: boolean
    } = {},
  ): Promise<readonly string[]> => {
    const collect = {
      allow: new Set(more.node === true ? (['node'] as const) : []),
      skip: new Set<string>(),
      usePullSecrets: false,
      stallTimeoutMs: 0,
      maxLogBytes: 0,
      maxContentBytes: 0,
    }
    const found = await accessNeeds(
      {
        command,
        collect,
        wanted: [],
        kill: more.kill ?? false,
        nodeNamespace: 'forensics',
        openShift: more.openShift ?? false,
        served: [],
      },
      { names: [], namespace: 'shop' },
      anyPod('shop'),
      await readScripts(),
    )
    return found.flatMap(({ rules }) =>
      rules.map((rule) => `${rule.verb} ${full(rule)} ${rule.namespace ?? ''}`),
    )
  }

  it('change nothing for a snapshot, and make nothing for a release', async () => {
    const writes = (all: readonly string[]): readonly string[] =>
      all.filter((right) => /^(?:create|patch|delete|bind|use) /.test(right))
    expect(writes(await needs('snapshot'))).toEqual([])
    expect(writes(await needs('release')).filter((right) => right.startsWith('create'))).toEqual([])
    expect(writes(await needs('seize'))).toContain('create networkpolicies shop')
  })

  it('have what OpenShift wants for a privileged pod, in its namespace, where the cluster is one', async () => {
    const scc = 'use securitycontextconstraints forensics'
    expect(await needs('seize', { node: true, openShift: true })).toContain(scc)
    expect(await needs('seize', { node: true })).not.toContain(scc)
    expect(await needs('seize', { openShift: true })).not.toContain(scc)
  })

  it('have the deletion of the pod where a seizure ends with it, and nowhere else', async () => {
    expect(await needs('seize', { kill: true })).toContain('delete pods shop')
    expect(await needs('seize')).not.toContain('delete pods shop')
    expect(await needs('snapshot', { kill: true })).not.toContain('delete pods shop')
  })
})
