import type { ReportInput } from './input.js'
import type { ReportModel, Step } from './model.js'
import { archiveSteps, releaseStep } from './next-steps-archive.js'
import { podSteps } from './next-steps-pod.js'

const MOST_PODS = 20

/** What a person should do next: what is urgent first, releasing last. */
export function nextStepsOf(
  input: ReportInput,
  model: Pick<ReportModel, 'archive' | 'gaps' | 'changes' | 'verification'>,
): readonly Step[] {
  const pods = input.targets.slice(0, MOST_PODS)
  const steps = [
    ...pods.flatMap((target) => podSteps(input, target)),
    ...archiveSteps(input, model),
    ...pods.flatMap((target) => releaseStep(model, target)),
  ]
  return steps.map((step, index) => ({ number: index + 1, ...step }))
}
