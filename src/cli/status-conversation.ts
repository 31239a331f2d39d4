import { openCluster } from '../engine/prepare.js'
import { quarantineStatus, requireNamed, type StatusRequest } from '../engine/quarantine-status.js'
import { systemContext } from '../engine/system.js'
import { watchStatus } from '../engine/watch-status.js'
import { exitStatusOf, messageOf } from '../model/errors.js'
import { worstExit, type ExitStatus } from '../model/exit.js'
import type { QuarantineChange, QuarantineStatus } from '../model/hold-status.js'
import { forTerminal } from '../text/terminal.js'
import { listenForInterrupts } from './interrupts.js'

/** How the answers are given: the whole at first and, with `watch`, each change. */
export interface StatusManners {
  readonly watch: boolean
  readonly first: (status: QuarantineStatus) => void
  readonly change: (change: QuarantineChange) => void
  readonly say: (line: string) => void
}

/** Looks and tells; with `watch` until Ctrl-C. The status is that of what was seen last. */
export async function converseStatus(request: StatusRequest, manners: StatusManners): Promise<ExitStatus> {
  const interrupts = listenForInterrupts(manners.say, () => 'no longer watching')
  const run = systemContext(interrupts.collecting)
  try {
    const kube = await openCluster(request.cluster, run, (event) => {
      if (event.type === 'notice') manners.say(forTerminal(event.text))
    })
    try {
      const look = await quarantineStatus(kube, request, run)
      requireNamed(look.status, request.names)
      manners.first(look.status)
      let exitStatus = look.status.exitStatus
      if (!manners.watch) return exitStatus
      manners.say('watching until Ctrl-C')
      for await (const seen of watchStatus(kube, request, look, run)) {
        if ('failed' in seen) {
          manners.say(forTerminal(`could not look: ${messageOf(seen.failed)}`))
          exitStatus = worstExit([exitStatus, exitStatusOf(seen.failed)])
          continue
        }
        for (const change of seen.changes) manners.change(change)
        exitStatus = seen.status.exitStatus
      }
      return exitStatus
    } finally {
      await kube.close()
    }
  } finally {
    interrupts.stop()
  }
}
