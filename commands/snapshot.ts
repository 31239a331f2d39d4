import { Args, Flags } from '@oclif/core'

import { CaptureCommand } from '../src/cli/capture-command.js'
import { captureRequest, manners } from '../src/cli/capture-request.js'
import { caseFlags, clusterFlags, evidenceFlags, selectorFlag } from '../src/cli/flags.js'

export class Snapshot extends CaptureCommand {
  static override summary = 'take the evidence of a pod and seal it into an archive; nothing is cut off'
  static override description =
    'Reads only, unless --allow names what may be started in the cluster for evidence. Takes any number of pods.'
  static override examples = [
    '<%= config.bin %> snapshot web-6dd6bfc4b-x2x7k -n shop --case INC-42',
    '<%= config.bin %> snapshot deploy/web -n shop --json',
  ]
  static override strict = false
  static override args = { target: Args.string({ description: 'a pod, or a workload whose pods are meant' }) }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...caseFlags,
    ...evidenceFlags,
    'dry-run': Flags.boolean({ summary: 'show the plan and take nothing' }),
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Snapshot)
    await this.capture(captureRequest('snapshot', argv, flags, this.argv), manners(flags))
  }
}
