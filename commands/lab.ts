import { Flags } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { demo } from '../src/cli/demo.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { forShell } from '../src/text/shell.js'
import { isPolicyApi, LAB_POLICY_APIS } from '../src/lab/api/policy-apis.js'
import { startLab } from '../src/lab/lab.js'

export class Lab extends BaseCommand {
  static override summary = 'a Kubernetes API and an image registry in this process, with a suspect pod in it'
  static override description =
    'To learn and to try impound without a cluster. Everything is on 127.0.0.1 and gone when the lab ends.'
  static override examples = ['<%= config.bin %> lab', '<%= config.bin %> lab --demo']
  static override flags = {
    demo: Flags.boolean({
      summary: "seize the lab's suspect pod, say where archive and report are, and end",
    }),
    output: Flags.string({
      char: 'o',
      summary: 'folder for the archive of --demo [default: ./impound-demo]',
      helpValue: 'DIR',
      dependsOn: ['demo'],
    }),
    'enforce-policies': Flags.boolean({
      summary:
        'let NetworkPolicies decide who reaches whom, as a network plugin that enforces them: seen by seizures with --allow node or twin',
    }),
    'policy-api': Flags.string({
      summary: "serve a network plugin's own policies too; they are stored, and nothing enforces them",
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      options: [...LAB_POLICY_APIS],
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Lab)
    const lab = await startLab({
      policyApis: (flags['policy-api'] ?? []).filter(isPolicyApi),
      enforcePolicies: flags['enforce-policies'],
    })
    try {
      const { suspect, registry } = lab
      if (flags.demo) {
        process.exitCode = await demo(lab, flags.output ?? 'impound-demo', (line) => this.say(line))
        return
      }
      const seize = [
        `impound seize ${forShell(suspect.name)} -n ${forShell(suspect.namespace)} --case LAB-1 --allow exec`,
        `--registry ${forShell(`${registry.host}=${registry.url}`)}`,
      ].join(' ')
      const facts = {
        schema: 'impound/lab/v1',
        kubeconfig: lab.kubeconfig,
        url: lab.url,
        suspect,
        registry: { host: registry.host, url: registry.url },
        seize,
      }
      const text = `export KUBECONFIG=${forShell(lab.kubeconfig)}\n${seize}\n`
      this.print(facts, text, flags)
      this.say('the lab runs until Ctrl-C')
      const interrupts = listenForInterrupts(() => undefined)
      await new Promise((resolve) => interrupts.collecting.addEventListener('abort', resolve))
      interrupts.stop()
    } finally {
      await lab.close()
    }
  }
}
