import { Args } from '@oclif/core'

import { CaptureCommand } from '../src/cli/capture-command.js'
import { captureRequest, manners } from '../src/cli/capture-request.js'
import { confirmFlags, killFlags, orderFlags, quarantineFlags } from '../src/cli/containment-flags.js'
import { allowAllFlags, caseFlags, evidenceFlags } from '../src/cli/evidence-flags.js'
import { clusterFlags, selectorFlag } from '../src/cli/flags.js'
export class Seize extends CaptureCommand {
  static override summary =
    'take the evidence of a suspect pod, cut it off the network, seal it all into one archive'
  static override description = `Reads the API, takes what is gone first (processes, sockets: with --allow node or exec) for at most --volatile-budget, quarantines the pod by a deny-all NetworkPolicy and by taking it out of its Services and its owner, then takes the slow evidence: logs, image and the filesystem's difference to the image. Everything goes into one archive with a report. "impound release" undoes the quarantine.

A TARGET is NAME, pod/NAME, or deploy/NAME, sts/NAME, ds/NAME, rs/NAME, job/NAME, cronjob/NAME for their pods.`
  static override examples = [
    '<%= config.bin %> seize web-6dd6bfc4b-x2x7k -n shop --case INC-42',
    '<%= config.bin %> seize web-6dd6bfc4b-x2x7k -n shop --case INC-42 --allow exec --yes --json',
    '<%= config.bin %> seize -l app=web -n shop --max-pods 3 --dry-run',
  ]
  static override strict = false
  static override args = {
    target: Args.string({ description: 'the suspect pod, or a workload whose pods are meant' }),
  }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...caseFlags,
    ...evidenceFlags,
    ...allowAllFlags,
    ...orderFlags,
    ...quarantineFlags,
    ...killFlags,
    ...confirmFlags,
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Seize)
    await this.capture(captureRequest('seize', argv, flags, this.argv), manners(flags))
  }
}
