import type { NodePods, NodeScript } from '../../src/model/ports/node-pod.js'

/** A node of a test: what a script of ours writes there, by its name and first argument; undefined: it fails. */
export type FakeNode = (script: NodeScript) => string | undefined

/** Node pods that answer as the test says, and remember what ran: 'freeze thaw'. */
export function fakeNodePods(node: FakeNode): { readonly pods: NodePods; readonly ran: string[] } {
  const ran: string[] = []
  const pods: NodePods = {
    on: (name) =>
      Promise.resolve({
        node: name,
        pod: { namespace: 'impound-node', name: 'impound-node-1', image: 'debian' },
        run: async (script, stdout) => {
          ran.push(`${script.name} ${script.args[0] ?? ''}`)
          const text = node(script)
          if (text !== undefined) await new Promise<void>((done) => stdout.write(text, () => done()))
          return {
            exitCode: text === undefined ? 5 : 0,
            stdoutBytes: text?.length ?? 0,
            stderr: text === undefined ? 'no tool for it' : '',
            complete: true,
          }
        },
      }),
  }
  return { pods, ran }
}
