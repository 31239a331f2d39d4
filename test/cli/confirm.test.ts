import { describe, expect, it } from '@jest/globals'

import { confirmationWord, confirmPlan } from '../../src/cli/confirm.js'
import { withChoices } from '../../src/engine/choices.js'
import type { RunPlan } from '../../src/engine/plan.js'
import { planScreen } from '../../src/cli/plan-screen.js'
import { samplePlan } from './sample-plan.js'

function conversation(answers: readonly string[]) {
  const queue = [...answers]
  const shown: RunPlan[] = []
  const said: string[] = []
  const ask = (): Promise<string> => {
    const answer = queue.shift()
    return answer === undefined ? Promise.reject(new Error('asked too often')) : Promise.resolve(answer)
  }
  return {
    shown,
    said,
    run: (plan: RunPlan) =>
      confirmPlan(
        plan,
        (one) => shown.push(one),
        ask,
        (line) => said.push(line),
      ),
  }
}

const NODE_PODS = {
  image: 'i',
  byDigest: true,
  namespace: 'n',
  madeNamespace: false,
  pods: [{ node: 'node-1', name: 'p', will: 'admitted', why: 'a dry run was accepted' }],
  leftovers: [],
  missingAccess: [],
  attackerSees: [],
} as const

/** A plan to freeze, with no pod on the node allowed. */
function withNodeAction(plan: RunPlan): RunPlan {
  const freeze = {
    action: 'freeze',
    changes: [],
    warnings: [],
    refusals: [],
    missingAccess: [],
    needs: 'node',
  } as const
  const targets = plan.targets.map((target) => ({
    ...target,
    ...(target.quarantine === undefined
      ? {}
      : { quarantine: { ...target.quarantine, actions: [...target.quarantine.actions, freeze] } }),
  }))
  return withChoices({ ...plan, targets, nodePods: NODE_PODS }, { allow: [], containFirst: false })
}

describe('the confirmation of a plan', () => {
  it('wants the pod’s name and nothing else', async () => {
    const talk = conversation(['y', 'yes', 'web-2', 'web-1'])
    expect(await talk.run(samplePlan())).toEqual({ allow: [], containFirst: false })
    expect(talk.said).toHaveLength(3)
  })

  it('wants the number where several pods are meant', () => {
    const plan = samplePlan()
    expect(confirmationWord({ ...plan, targets: [...plan.targets, ...plan.targets] })).toBe('2')
  })

  it('never takes a one-letter pod for a key, nor a key for the pod', async () => {
    const talk = conversation(['q'])
    await expect(talk.run(samplePlan('q'))).rejects.toMatchObject({ code: 'refused' })
    expect(await conversation(['pod/q']).run(samplePlan('q'))).toMatchObject({ allow: [] })
  })

  it('lets e allow exec and take it back, showing the changed plan each time', async () => {
    const talk = conversation(['e', 'web-1'])
    expect(await talk.run(samplePlan())).toEqual({ allow: ['exec'], containFirst: false })
    const wills = talk.shown.map(
      ({ targets }) => targets[0]!.collectors.find(({ name }) => name === 'filesystem')!.will,
    )
    expect(wills).toEqual(['skip', 'collect'])
    expect(await conversation(['e', 'e', 'web-1']).run(samplePlan())).toMatchObject({ allow: [] })
  })

  it('lets n allow a pod on the node, where there is one, and c contain first', async () => {
    const talk = conversation(['n', 'c', 'web-1'])
    expect(await talk.run({ ...samplePlan(), nodePods: NODE_PODS })).toEqual({
      allow: ['node'],
      containFirst: true,
    })
    expect(planScreen(talk.shown.at(-1)!)).toMatch(/\+ privileged pod n\/p on node-1/)
    const without = conversation(['n', 'web-1'])
    expect(await without.run(samplePlan())).toMatchObject({ allow: [] })
    expect(without.said).toEqual(['the pod is on no node: there is nothing to start one on'])
  })

  it('does not take the name while what was asked for lacks a pod on the node: n allows it, at the prompt too', async () => {
    const plan = withNodeAction(samplePlan())
    expect(plan.targets[0]?.quarantine?.refusals).toMatchObject([{ code: 'needs-node' }])
    expect(planScreen(plan)).toMatch(/refused +--freeze .* \(→ --allow node\)/)
    const talk = conversation(['web-1', 'n', 'web-1'])
    expect(await talk.run(plan)).toMatchObject({ allow: ['node'] })
    expect(talk.said).toEqual([
      "not yet: web-1 can't be quarantined: --freeze is done by a privileged pod on the suspect's node: n allows it",
    ])
    expect(planScreen(talk.shown.at(-1)!)).not.toMatch(/refused/)
    const undecided = conversation(['n', 'n', 'web-1', 'q'])
    await expect(undecided.run(plan)).rejects.toMatchObject({ code: 'refused' })
    expect(undecided.said).toHaveLength(1)
  })

  it('ends without a change when the user quits', async () => {
    await expect(conversation(['q']).run(samplePlan())).rejects.toMatchObject({ code: 'refused' })
  })

  it('never lets a key bring back a collector that --skip left out', () => {
    const plan = samplePlan()
    const [target] = plan.targets
    const skipped = {
      ...target!,
      collectors: [
        {
          name: 'filesystem',
          phases: ['slow'],
          impact: 'exec',
          needs: ['exec'],
          will: 'skip',
          why: 'left out by --skip',
          missingAccess: [],
        },
      ],
    } as const
    const changed = withChoices({ ...plan, targets: [skipped] }, { allow: ['exec'], containFirst: false })
    expect(changed.targets[0]!.collectors[0]).toMatchObject({ will: 'skip' })
  })
})
