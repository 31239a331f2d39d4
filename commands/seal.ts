import { Args } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { progressView } from '../src/cli/progress-lines.js'
import { sealScreen } from '../src/cli/seal-screen.js'
import { sealSpoolAt } from '../src/engine/seal.js'
import { systemContext } from '../src/engine/system.js'

export class Seal extends BaseCommand {
  static override summary = "finish an interrupted run's folder into an archive that is labelled incomplete"
  static override description =
    'A run that was killed, or that ran out of disk, leaves a folder <name>.partial with all that it had collected. This makes the archive of it, in the same place.'
  static override examples = [
    '<%= config.bin %> seal INC-42/INC-42_20261122T030033Z_shop_web_1f3a9c02.partial',
  ]
  static override args = { folder: Args.string({ description: 'the folder <name>.partial', required: true }) }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Seal)
    const interrupts = listenForInterrupts(
      (line) => this.say(line),
      () => 'once more to stop; the folder stays as it is',
    )
    const view = progressView(process.stderr, () => new Date())
    try {
      const result = await sealSpoolAt(args.folder, systemContext(interrupts.everything), view.progress)
      view.stop()
      process.exitCode = result.exitStatus
      this.print(result, sealScreen(result), flags)
    } finally {
      view.stop()
      interrupts.stop()
    }
  }
}
