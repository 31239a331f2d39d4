import { Args, Flags } from '@oclif/core'

import { CaptureCommand } from '../src/cli/capture-command.js'
import { captureRequest, manners } from '../src/cli/capture-request.js'
import { caseFlags, evidenceFlags } from '../src/cli/evidence-flags.js'
import { clusterFlags, selectorFlag } from '../src/cli/flags.js'

export class Snapshot extends CaptureCommand {
  static override summary = 'take the evidence of a pod and seal it into an archive; nothing is cut off'
  static override description =
    'Reads only, unless --allow names what may be started in the cluster for evidence. Takes any number of pods.'
  static override examples = [
    '<%= config.bin %> snapshot web-6dd6bfc4b-x2x7k -n shop --case INC-42',
    '<%= config.bin %> snapshot deploy/web -n shop --json',
    '<%= config.bin %> snapshot --uid 1f3a9c02-5b7e-4c1d-9a60-7e2b8d4f1c35 --node ip-10-0-3-7 --allow node',
  ]
  static override strict = false
  static override args = { target: Args.string({ description: 'a pod, or a workload whose pods are meant' }) }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...caseFlags,
    ...evidenceFlags,
    uid: Flags.string({
      summary:
        'UID of a pod that is gone: its logs, emptyDirs, changed files and events as far as they are left',
      helpValue: 'UID',
      dependsOn: ['node'],
      exclusive: ['selector'],
    }),
    node: Flags.string({ summary: 'the node where that pod ran', helpValue: 'NODE', dependsOn: ['uid'] }),
    'dry-run': Flags.boolean({ summary: 'show the plan and take nothing' }),
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Snapshot)
    await this.capture(captureRequest('snapshot', argv, flags, this.argv), manners(flags))
  }
}
