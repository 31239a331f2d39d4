import { browse, type Browser } from '../engine/browse.js'
import { systemContext } from '../engine/system.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { counted } from '../text/count.js'
import { forTerminal } from '../text/terminal.js'

export interface Choice<Value> {
  readonly name: string
  readonly value: Value
}

/** The two kinds of question that the guided run asks. */
export interface Questions {
  select<Value>(message: string, choices: readonly Choice<Value>[]): Promise<Value>
  input(message: string, preset: string): Promise<string>
}

type Errand = 'seize' | 'snapshot' | 'release' | 'verify'

const ERRANDS: readonly Choice<Errand>[] = [
  { name: 'seize     evidence, cut the pod off, seal', value: 'seize' },
  { name: 'snapshot  evidence only, nothing is cut off', value: 'snapshot' },
  { name: 'release   undo a quarantine', value: 'release' },
  { name: 'verify    check an archive', value: 'verify' },
]

/** What may run for it in the cluster, least first. */
const WAYS: readonly Choice<readonly string[]>[] = [
  { name: 'not at all  what the API and the registry say is all', value: [] },
  {
    name: 'node        by a privileged pod of ours on its node, out of the suspect’s sight',
    value: ['--allow', 'node'],
  },
  {
    name: 'exec        by the suspect containers’ own programs, in an attacker’s sight',
    value: ['--allow', 'exec'],
  },
]

/** Asks what to do and on which pod, and gives the command line for it: the same that a user would type. */
export async function guidedArgv(ask: Questions, open: () => Promise<Browser>): Promise<readonly string[]> {
  const errand = await ask.select('What is to be done?', ERRANDS)
  if (errand === 'verify') return ['verify', await ask.input('Which archive?', '')]
  const browser = await open()
  try {
    const namespace = await chooseNamespace(ask, browser)
    const name = await choosePod(ask, browser, namespace)
    const target = [errand, name, '-n', namespace]
    if (errand === 'release') return target
    const given = await ask.input('Name of the case? (Enter makes one up)', '')
    const way = await ask.select('How may the pod’s files, processes and sockets be read?', WAYS)
    return [...target, ...(given === '' ? [] : ['--case', given]), ...way]
  } finally {
    await browser.close()
  }
}

async function chooseNamespace(ask: Questions, browser: Browser): Promise<string> {
  try {
    const names = await browser.namespaces()
    return await ask.select(`Namespace, in ${forTerminal(browser.context)}?`, names.map(plain))
  } catch (error) {
    // who may not list namespaces may well know the one that matters
    if (!isCode(error, 'forbidden')) throw error
    return ask.input(`Namespace, in ${forTerminal(browser.context)}?`, browser.namespace)
  }
}

async function choosePod(ask: Questions, browser: Browser, namespace: string): Promise<string> {
  const pods = await browser.pods(namespace)
  if (pods.length === 0) throw new ImpoundError('not-found', `there are no pods in ${namespace}`)
  const choices = pods.map(({ name, phase, restarts, node }) => ({
    name: forTerminal(`${name}  ${phase}, ${counted(restarts, 'restart')}, ${node}`),
    value: name,
  }))
  return ask.select('Which pod?', choices)
}

function plain(name: string): Choice<string> {
  return { name: forTerminal(name), value: name }
}

/** The guided run in a terminal. Ctrl-C at a question rejects as `refused`. */
export async function askGuided(): Promise<readonly string[]> {
  const { default: inquirer } = await import('inquirer')
  const prompt = inquirer.createPromptModule({ output: process.stderr })
  const cluster = { asGroups: [], requestTimeoutMs: 30_000 }
  const questions: Questions = {
    async select<Value>(message: string, choices: readonly Choice<Value>[]) {
      const numbered = choices.map(({ name }, index) => ({ name, value: index }))
      const question = { type: 'select', name: 'answer', message, choices: numbered, pageSize: 15 } as const
      const { answer } = await prompt<{ answer: number }>([question])
      const chosen = choices[answer]
      if (chosen === undefined) throw new ImpoundError('bug', `there is no choice ${answer}`)
      return chosen.value
    },
    async input(message, preset) {
      const { answer } = await prompt<{ answer: string }>([
        { type: 'input', name: 'answer', message, default: preset },
      ])
      return answer.trim()
    },
  }
  try {
    return await guidedArgv(questions, () => browse(cluster, systemContext(new AbortController().signal)))
  } catch (cause) {
    if (cause instanceof ImpoundError) throw cause
    throw new ImpoundError('refused', 'given up at the prompt; nothing was done', { cause })
  }
}
