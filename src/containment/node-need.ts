import type { ActionPlan, QuarantinePlan, Refusal } from '../model/quarantine-plan.js'

/** The plan where a pod may run on the suspect's node, or may not: then what needs one refuses it. */
export function allowingNode(plan: QuarantinePlan, allowed: boolean): QuarantinePlan {
  const others = plan.refusals.filter(({ code }) => code !== 'needs-node')
  const refused = allowed ? [] : plan.actions.filter(({ needs }) => needs === 'node').map(refusal)
  return { ...plan, refusals: [...others, ...refused] }
}

function refusal({ action }: ActionPlan): Refusal {
  return {
    code: 'needs-node',
    message: `--${action} is done by a privileged pod on the suspect's node`,
    override: '--allow node',
  }
}
