import { Flags } from '@oclif/core'

import type { RightsWishes } from '../engine/rbac.js'
import type { RunCommand } from '../engine/run-access.js'
import type { WantedAction } from '../model/containment.js'
import { allowances, wantedActions } from './capture-request.js'
import { actionFlags } from './containment-flags.js'
import { allowAllFlags, evidenceFlags, nodePodFlags } from './evidence-flags.js'

const COMMANDS: readonly RunCommand[] = ['seize', 'snapshot', 'quarantine', 'release']

/** The flags of a run that decide which rights it uses, as they are called there. */
export const rightsFlags = {
  for: Flags.string({
    summary: 'the command that is to be run',
    helpValue: COMMANDS.join('|'),
    options: [...COMMANDS],
    default: 'seize',
  }),
  allow: allowAllFlags.allow,
  skip: evidenceFlags.skip,
  'use-pull-secrets': evidenceFlags['use-pull-secrets'],
  'node-namespace': nodePodFlags['node-namespace'],
  ...actionFlags,
}

interface RightsFlagValues extends Readonly<Record<WantedAction, boolean>> {
  readonly for: string
  readonly allow: readonly string[] | undefined
  readonly skip: readonly string[] | undefined
  readonly 'use-pull-secrets': boolean
  readonly 'node-namespace': string | undefined
  readonly kill?: boolean
}

export function rightsWishes(flags: RightsFlagValues): RightsWishes {
  const namespace = flags['node-namespace']
  return {
    command: COMMANDS.find((one) => one === flags.for) ?? 'seize',
    allow: allowances(flags.allow),
    wanted: wantedActions(flags),
    kill: flags.kill ?? false,
    skip: flags.skip ?? [],
    usePullSecrets: flags['use-pull-secrets'],
    ...(namespace === undefined ? {} : { nodeNamespace: namespace }),
  }
}
