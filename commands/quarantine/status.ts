import { Args, Flags } from '@oclif/core'

import { BaseCommand } from '../../src/cli/base-command.js'
import { clusterFlags, clusterRequest, jsonLinesFlag } from '../../src/cli/flags.js'
import { converseStatus } from '../../src/cli/status-conversation.js'
import { changeLines, statusScreen } from '../../src/cli/status-screen.js'
import { ImpoundError } from '../../src/model/errors.js'

export class QuarantineStatus extends BaseCommand {
  static override summary = 'what is held, by whom and since when, and does it still hold?'
  static override description = `Reads only. Goes by the annotations, labels and NetworkPolicies in the cluster and by the records that runs left on this machine, and says where they differ: labels that came back, a policy that is gone or changed, another one that lets the pod through, an owner that took it back, an annotation that was edited, what was done beside the quarantine and is no longer as it was left, a pod that is gone. Traffic is not tried, and what stands on the node is not looked at.

Ends with 7 where something does not hold or a held pod is gone, with 0 where all stands as far as it can be seen. A pod that is called "status" is meant by pod/status.`
  static override examples = [
    '<%= config.bin %> quarantine status -A',
    '<%= config.bin %> quarantine status web-6dd6bfc4b-x2x7k -n shop --json',
    '<%= config.bin %> quarantine status -n shop --watch',
  ]
  static override strict = false
  static override args = {
    target: Args.string({ description: 'a pod; all that are held where none is named' }),
  }
  static override flags = {
    ...clusterFlags,
    ...jsonLinesFlag,
    'all-namespaces': Flags.boolean({
      char: 'A',
      summary: 'look in every namespace',
      helpGroup: 'CLUSTER',
      exclusive: ['namespace'],
    }),
    watch: Flags.boolean({ char: 'w', summary: 'go on, and print what changes, until Ctrl-C' }),
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(QuarantineStatus)
    const { watch, json } = flags
    const names = argv.map(String)
    const allNamespaces = flags['all-namespaces']
    if (watch && json) {
      throw new ImpoundError('usage', 'changes are no one document', { hints: ['--watch with --json-lines'] })
    }
    if (allNamespaces && names.length > 0) {
      throw new ImpoundError('usage', 'a pod is of one namespace', {
        hints: ['say which with -n, or name none'],
      })
    }
    const as = { json, jsonLines: flags['json-lines'] }
    process.exitCode = await converseStatus(
      { cluster: clusterRequest(flags), names, allNamespaces },
      {
        watch,
        first: (status) => this.print(status, statusScreen(status), as),
        change: (change) => this.print(change, `${changeLines(change).join('\n')}\n`, as),
        say: (line) => this.say(line),
      },
    )
  }
}
