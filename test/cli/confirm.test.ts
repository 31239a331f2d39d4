import { describe, expect, it } from '@jest/globals'

import { confirmationWord, confirmPlan, withChoices } from '../../src/cli/confirm.js'
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
    const nodePods = {
      image: 'i',
      byDigest: true,
      namespace: 'n',
      madeNamespace: false,
      pods: [{ node: 'node-1', name: 'p', will: 'admitted', why: 'a dry run was accepted' }],
      leftovers: [],
      missingAccess: [],
      attackerSees: [],
    } as const
    const talk = conversation(['n', 'c', 'web-1'])
    expect(await talk.run({ ...samplePlan(), nodePods })).toEqual({ allow: ['node'], containFirst: true })
    expect(planScreen(talk.shown.at(-1)!)).toMatch(/\+ privileged pod n\/p on node-1/)
    const without = conversation(['n', 'web-1'])
    expect(await without.run(samplePlan())).toMatchObject({ allow: [] })
    expect(without.said).toEqual(['the pod is on no node: there is nothing to start one on'])
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
