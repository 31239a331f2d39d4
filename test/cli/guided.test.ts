import { describe, expect, it } from '@jest/globals'

import { guidedArgv, type Questions } from '../../src/cli/guided.js'
import type { Browser } from '../../src/engine/browse.js'
import { ImpoundError } from '../../src/model/errors.js'

/** Answers a select by the start of a choice's name, an input by its text. */
function answering(...answers: readonly string[]): Questions & { readonly shown: string[] } {
  const queue = [...answers]
  const shown: string[] = []
  return {
    shown,
    select(_message, choices) {
      shown.push(...choices.map(({ name }) => name))
      const answer = queue.shift() ?? ''
      const chosen = choices.find(({ name }) => name.startsWith(answer))
      return chosen === undefined
        ? Promise.reject(new Error(`no choice ${answer}`))
        : Promise.resolve(chosen.value)
    },
    input: () => Promise.resolve(queue.shift() ?? ''),
  }
}

function browser(change: Partial<Browser> = {}): () => Promise<Browser> {
  return () =>
    Promise.resolve({
      context: 'lab',
      namespace: 'default',
      namespaces: () => Promise.resolve(['kube-system', 'shop']),
      pods: (namespace) =>
        Promise.resolve(
          namespace === 'shop' ? [{ name: 'web-1', phase: 'Running', restarts: 1, node: 'n\u001b[2J' }] : [],
        ),
      close: () => Promise.resolve(),
      ...change,
    })
}

describe('the guided run', () => {
  it.each(['exec', 'node'])('ends in the command line that a user would have typed, with %s', async (way) => {
    const argv = await guidedArgv(answering('seize', 'shop', 'web-1', 'INC-42', way), browser())
    expect(argv).toEqual(['seize', 'web-1', '-n', 'shop', '--case', 'INC-42', '--allow', way])
  })

  it('allows nothing by itself, and never confirms', async () => {
    const argv = await guidedArgv(answering('seize', 'shop', 'web-1', '', 'not at all'), browser())
    expect(argv).toEqual(['seize', 'web-1', '-n', 'shop'])
  })

  it('asks no cluster to verify an archive', async () => {
    const nobody = (): Promise<Browser> => Promise.reject(new Error('asked a cluster'))
    expect(await guidedArgv(answering('verify', 'a.tar.gz'), nobody)).toEqual(['verify', 'a.tar.gz'])
  })

  it('takes a namespace by name where they may not be listed', async () => {
    const namespaces = (): Promise<never> => Promise.reject(new ImpoundError('forbidden', 'no'))
    const argv = await guidedArgv(answering('release', 'shop', 'web-1'), browser({ namespaces }))
    expect(argv).toEqual(['release', 'web-1', '-n', 'shop'])
  })

  it('shows names from the cluster without letting them act on the terminal', async () => {
    const ask = answering('release', 'shop', 'web-1')
    await guidedArgv(ask, browser())
    expect(ask.shown.join('')).not.toContain('\u001b')
  })
})
