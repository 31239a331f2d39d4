import type { Scene } from '../model/scene.js'
import { forShell } from '../text/shell.js'

/** A kubectl command for the cluster of a scene; words of ours as they are, `names` quoted. */
export class Kubectl {
  readonly #head: string

  constructor({ context }: Scene['where']) {
    this.#head =
      context === '' || context === 'in-cluster' ? 'kubectl' : `kubectl --context ${forShell(context)}`
  }

  /** `kubectl get pod/a pod/b -n shop …`: with its kind before it, no name can pass for a flag. */
  get(namespace: string, kind: string, names: readonly string[], flags = ''): string {
    const objects = names.length === 0 ? kind : names.map((name) => forShell(`${kind}/${name}`)).join(' ')
    return `${this.#head} get ${objects} -n ${forShell(namespace)}${flags === '' ? '' : ` ${flags}`}`
  }

  command(words: string): string {
    return `${this.#head} ${words}`
  }
}
