import { Args, Flags } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { nodePodWishes } from '../src/cli/capture-request.js'
import { confirmFlags } from '../src/cli/containment-flags.js'
import { allowNodeFlags } from '../src/cli/evidence-flags.js'
import { clusterFlags, clusterRequest, selectorFlag } from '../src/cli/flags.js'
import { converseRelease } from '../src/cli/release-conversation.js'

export class Release extends BaseCommand {
  static override summary = 'undo a quarantine exactly: labels back, policy and annotation gone'
  static override description =
    "Works from the state file that the quarantine left on this machine; --from takes the archive of the run instead, on any machine. Where neither is to be had, the pod's own annotation is offered, shown and confirmed: somebody else may have edited it. What others changed since is left alone and named."
  static override examples = [
    '<%= config.bin %> release web-6dd6bfc4b-x2x7k -n shop',
    '<%= config.bin %> release --from INC-42/INC-42_20261122T030033Z_shop_web_1f3a9c02.tar.gz',
  ]
  static override strict = false
  static override args = { target: Args.string({ description: 'a pod that is held' }) }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...confirmFlags,
    ...allowNodeFlags,
    from: Flags.string({ summary: 'the archive of the run that quarantined', helpValue: 'ARCHIVE' }),
    'trust-annotation': Flags.boolean({
      summary: "with --yes: go by the pod's own annotation where nothing else is known",
    }),
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Release)
    const { outcome, text } = await converseRelease(
      {
        cluster: clusterRequest(flags),
        names: argv.map(String),
        ...(flags.selector === undefined ? {} : { selector: flags.selector }),
        ...(flags.from === undefined ? {} : { from: flags.from }),
        ...(flags.allow?.includes('node') === true
          ? { nodePods: nodePodWishes(flags['node-image'], flags['node-namespace']) }
          : {}),
      },
      { yes: flags.yes, dryRun: flags['dry-run'], trustAnnotation: flags['trust-annotation'] },
      (line) => this.say(line),
    )
    process.exitCode = outcome.exitStatus
    this.print(outcome, text, flags)
  }
}
