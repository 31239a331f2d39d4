import { Args } from '@oclif/core'

import { CaptureCommand } from '../src/cli/capture-command.js'
import { captureRequest, manners } from '../src/cli/capture-request.js'
import { confirmFlags, quarantineFlags } from '../src/cli/containment-flags.js'
import { allowContainmentFlags, caseFlags } from '../src/cli/evidence-flags.js'
import { clusterFlags, selectorFlag } from '../src/cli/flags.js'
import { ImpoundError } from '../src/model/errors.js'

export class Quarantine extends CaptureCommand {
  static override summary = 'cut a pod off the network; takes no evidence but the record of what was done'
  static override description =
    'Run again for the same case, it completes what an interrupted run left. "impound release" undoes it.'
  static override examples = ['<%= config.bin %> quarantine web-6dd6bfc4b-x2x7k -n shop --case INC-42']
  static override strict = false
  static override args = {
    target: Args.string({ description: 'the suspect pod, or a workload whose pods are meant' }),
  }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...caseFlags,
    ...quarantineFlags,
    ...allowContainmentFlags,
    ...confirmFlags,
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Quarantine)
    if (argv.includes('status')) {
      // flags before it hide the subcommand from the parser
      throw new ImpoundError('usage', '"status" is a command of its own', {
        hints: ['write it first: impound quarantine status …', 'a pod of that name is meant by pod/status'],
      })
    }
    await this.capture(captureRequest('quarantine', argv, flags, this.argv), manners(flags))
  }
}
