import { withChoices } from '../engine/choices.js'
import type { RunPlan } from '../engine/plan.js'
import { refusalOf } from '../engine/prepare.js'
import type { Choices } from '../engine/request.js'
import type { Allowance } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import { forTerminal } from '../text/terminal.js'

/** Asks one question and gives the answer, trimmed; what inquirer does in a terminal. */
export type Ask = (question: string) => Promise<string>

/** A prompt on stderr, so that stdout stays the result. Ctrl-C at it rejects as `refused`: nothing was changed yet. */
export const askInTerminal: Ask = async (question) => {
  const { default: inquirer } = await import('inquirer')
  try {
    const prompt = inquirer.createPromptModule({ output: process.stderr })
    const answers = await prompt<{ answer: string }>([{ type: 'input', name: 'answer', message: question }])
    return answers.answer.trim()
  } catch (cause) {
    throw new ImpoundError('refused', 'given up at the prompt; nothing was changed', { cause })
  }
}

/** What the user must type: the pod's name, or the number of pods. One-letter names would be taken for keys. */
export function confirmationWord(plan: RunPlan): string {
  const [first] = plan.targets
  if (plan.targets.length !== 1 || first === undefined) return String(plan.targets.length)
  return first.name.length === 1 ? `pod/${first.name}` : first.name
}

/**
 * Shows the plan and asks until it is confirmed; keys change what the run may do, and the changed plan is shown again. What
 * only lacks a pod on the node must be allowed one first. Throws `refused` when the user quits.
 */
export async function confirmPlan(
  plan: RunPlan,
  show: (plan: RunPlan) => void,
  ask: Ask,
  say: (line: string) => void,
): Promise<Choices> {
  let choices: Choices = { allow: plan.allow, containFirst: plan.containFirst }
  show(plan)
  const word = confirmationWord(plan)
  const meant = plan.targets.length === 1 ? "the pod's name" : `the number of pods (${word})`
  for (;;) {
    const keys = [
      // a quarantine takes no evidence: there is nothing to run
      ...(plan.command === 'quarantine'
        ? []
        : [choices.allow.includes('exec') ? 'e don’t allow exec' : 'e allow exec']),
      ...(plan.nodePods === undefined
        ? []
        : [choices.allow.includes('node') ? 'n don’t allow a node pod' : 'n allow a node pod']),
      ...(plan.command === 'seize'
        ? [choices.containFirst ? 'c volatile evidence first' : 'c contain first']
        : []),
      'q quit',
    ]
    const answer = await ask(`Type ${meant} to go on · ${keys.join(' · ')}`)
    if (answer === word) {
      const refusal = refusalOf(withChoices(plan, choices))
      if (refusal === undefined) return choices
      say(forTerminal(`not yet: ${refusal.message}: n allows it`))
      continue
    }
    switch (answer.toLowerCase()) {
      case 'q':
        throw new ImpoundError('refused', 'declined; nothing was changed')
      case 'e':
        choices = { ...choices, allow: toggled(choices.allow, 'exec') }
        show(withChoices(plan, choices))
        break
      case 'c':
        choices = { ...choices, containFirst: plan.command === 'seize' && !choices.containFirst }
        show(withChoices(plan, choices))
        break
      case 'n':
        if (plan.nodePods === undefined) {
          say('the pod is on no node: there is nothing to start one on')
          break
        }
        choices = { ...choices, allow: toggled(choices.allow, 'node') }
        show(withChoices(plan, choices))
        break
      default:
        say(`that is not ${forTerminal(word)}; nothing was changed yet`)
    }
  }
}

function toggled(allow: readonly Allowance[], one: Allowance): readonly Allowance[] {
  return allow.includes(one) ? allow.filter((other) => other !== one) : [...allow, one]
}
