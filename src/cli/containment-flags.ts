import { Flags } from '@oclif/core'

import { CONTAINMENT, EVIDENCE } from './flag-groups.js'
import { duration } from './flag-values.js'

/** When evidence and containment come. */
export const orderFlags = {
  'volatile-budget': duration({
    summary: 'longest time that containment waits for volatile evidence, which goes on after it',
    helpGroup: EVIDENCE,
    helpValue: 'TIME',
    default: 10_000,
    defaultHelp: () => Promise.resolve('10s'),
  }),
  'contain-first': Flags.boolean({
    summary: 'contain right after the API reads, before volatile evidence',
    helpGroup: CONTAINMENT,
  }),
}

/** What a seizure may end with. */
export const killFlags = {
  kill: Flags.boolean({
    summary: 'delete the pod at the end, only once the archive is sealed and verified',
    helpGroup: CONTAINMENT,
  }),
}

export const confirmFlags = {
  yes: Flags.boolean({ char: 'y', summary: 'confirm the plan without asking; adds nothing to it' }),
  'dry-run': Flags.boolean({ summary: 'show the plan and change nothing' }),
}

/** What contains beside the quarantine, each by a flag of its name. */
export const actionFlags = {
  'patch-residuals': Flags.boolean({
    summary: 'exclude the suspect from policies that would still let it through',
    helpGroup: CONTAINMENT,
  }),
  cordon: Flags.boolean({
    summary: 'let nothing new be scheduled to the suspect’s node',
    helpGroup: CONTAINMENT,
  }),
  'deny-access': Flags.boolean({
    summary:
      'refuse delete, eviction, exec, attach, port-forward and ephemeral containers on the pod to all but you and its kubelet (Kubernetes 1.30)',
    helpGroup: CONTAINMENT,
  }),
  'block-token': Flags.boolean({
    summary: 'refuse writes by tokens that are bound to the pod (Kubernetes 1.30)',
    helpGroup: CONTAINMENT,
  }),
  'detach-bindings': Flags.boolean({
    summary:
      'take the pod’s service account off the bindings that name it; other pods of the account lose it too',
    helpGroup: CONTAINMENT,
  }),
  'drop-connections': Flags.boolean({
    summary:
      'drop all packets in the pod’s own network but what its node begins; needs --allow node, or n at the plan',
    helpGroup: CONTAINMENT,
  }),
  freeze: Flags.boolean({
    summary: 'freeze the processes of the pod; needs --allow node, or n at the plan',
    helpGroup: CONTAINMENT,
  }),
  'detach-owner': Flags.boolean({
    summary: 'take the pod from a controller that is none of Kubernetes’ own, before its labels go',
    helpGroup: CONTAINMENT,
  }),
}

export const quarantineFlags = {
  'keep-label': Flags.string({
    summary: 'a label that the suspect keeps; may be repeated',
    helpGroup: CONTAINMENT,
    helpValue: 'KEY',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'allow-outage': Flags.boolean({
    summary: 'go on where a Service loses its last ready endpoint',
    helpGroup: CONTAINMENT,
  }),
  ...actionFlags,
  'max-pods': Flags.integer({
    summary: 'most pods that one run may change',
    helpGroup: CONTAINMENT,
    helpValue: 'N',
    default: 1,
    min: 1,
  }),
}
