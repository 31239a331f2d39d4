import { Args, Flags } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { killFlags } from '../src/cli/containment-flags.js'
import { clusterFlags, clusterRequest, selectorFlag } from '../src/cli/flags.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { rbacYaml } from '../src/cli/rbac-yaml.js'
import { rightsFlags, rightsWishes } from '../src/cli/rights-flags.js'
import { subjectsOf } from '../src/cli/subjects.js'
import { leastRoles } from '../src/engine/rbac.js'
import { systemContext } from '../src/engine/system.js'

export class Rbac extends BaseCommand {
  static override summary = 'the least roles for a run, as YAML'
  static override description = `Prints what --for would use with the flags that are given here as they would be there: one ClusterRole for what is read of the whole cluster, one Role for each namespace. It is computed from what each collector and each action declares, which is also what a run asks the server about. Nothing is sent to the cluster, unless pods are named: then the roles carry their names.`
  static override examples = [
    '<%= config.bin %> rbac -n shop --allow exec --user ana@corp | kubectl apply -f -',
    '<%= config.bin %> rbac -n shop --allow node --node-namespace forensics --openshift',
    '<%= config.bin %> rbac web-6dd6bfc4b-x2x7k -n shop --for quarantine --patch-residuals --json',
  ]
  static override strict = false
  static override args = {
    target: Args.string({ description: 'pods, or a workload whose pods are meant; any of the namespace' }),
  }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...rightsFlags,
    ...killFlags,
    openshift: Flags.boolean({
      summary: 'also the right to use the SCC privileged, for --allow node on OpenShift',
    }),
    name: Flags.string({ summary: 'name of roles and bindings', helpValue: 'NAME', default: 'impound' }),
    user: Flags.string({
      summary: 'bind the roles to this user; may be repeated',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    group: Flags.string({
      summary: 'bind the roles to this group; may be repeated',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'service-account': Flags.string({
      summary: 'bind the roles to this service account; may be repeated',
      helpValue: 'NAMESPACE/NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
  }

  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Rbac)
    const interrupts = listenForInterrupts((line) => this.say(line))
    try {
      const document = await leastRoles(
        {
          ...rightsWishes(flags),
          cluster: clusterRequest(flags),
          names: argv.map(String),
          ...(flags.selector === undefined ? {} : { selector: flags.selector }),
          openShift: flags.openshift,
          name: flags.name,
          subjects: subjectsOf(flags),
        },
        systemContext(interrupts.collecting),
        (event) => {
          if (event.type === 'notice') this.say(event.text)
        },
      )
      this.print(document, rbacYaml(document), flags)
    } finally {
      interrupts.stop()
    }
  }
}
