import { Args } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { verifyScreen } from '../src/cli/verify-screen.js'
import { verify } from '../src/engine/verify.js'

export class Verify extends BaseCommand {
  static override summary = 'check that an archive is whole and unchanged; extracts nothing, asks no cluster'
  static override description =
    'Checks every payload file against the manifests, the chain of the acquisition log, and that nothing was added, cut off or repeated. Exit status 6 where anything differs. This version does not sign: a whole archive shows that nothing changed since it was sealed, not who sealed it.'
  static override examples = [
    '<%= config.bin %> verify INC-42/INC-42_20261122T030033Z_shop_web_1f3a9c02.tar.gz',
  ]
  static override args = {
    archive: Args.string({ description: 'the .tar.gz, or an unpacked bag', required: true }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Verify)
    const interrupts = listenForInterrupts((line) => this.say(line))
    try {
      const { report, exitStatus } = await verify(args.archive, interrupts.collecting)
      process.exitCode = exitStatus
      this.print(report, verifyScreen(report), flags)
    } finally {
      interrupts.stop()
    }
  }
}
