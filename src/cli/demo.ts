import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'

import { ROOT } from '../engine/version.js'
import { EXIT } from '../model/exit.js'

/** What the demonstration needs of a lab. */
export interface DemoLab {
  readonly kubeconfig: string
  readonly suspect: { readonly namespace: string; readonly name: string }
  readonly registry: { readonly host: string; readonly url: string }
}

/** Statuses that the lab can't do without: nothing there enforces policies, and some evidence needs a node. */
const EXPECTED: ReadonlySet<number> = new Set([EXIT.incomplete, EXIT.containment])

/**
 * Seizes the lab's suspect as a user would, by the command line in a process of its own, and gives the status to end with: 0
 * where the run did all that a lab allows.
 */
export async function demo(lab: DemoLab, output: string, say: (line: string) => void): Promise<number> {
  const { suspect, registry } = lab
  const argv = [
    'seize',
    suspect.name,
    '-n',
    suspect.namespace,
    '--case',
    'DEMO-1',
    '--allow',
    'exec',
    '--yes',
  ]
  argv.push('--registry', `${registry.host}=${registry.url}`, '--output', output)
  say(`$ impound ${argv.join(' ')}`)
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'impound.js'), ...argv], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // the lab is gone a moment later: nothing of it belongs into the user's state
    env: { ...process.env, KUBECONFIG: lab.kubeconfig, XDG_STATE_HOME: dirname(lab.kubeconfig) },
  })
  const [status] = (await once(child, 'exit')) as [number | null]
  if (status === null) return EXIT.bug
  if (!EXPECTED.has(status)) return status
  say(
    `demo: the run ended with exit status ${status}, which is right for a lab: no policy engine is there to verify against, ` +
      'and a distroless container gives no filesystem. The demo itself is fine and ends with 0.',
  )
  return EXIT.done
}
