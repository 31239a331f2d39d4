import { Args } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { nodePodWishes } from '../src/cli/capture-request.js'
import { killFlags } from '../src/cli/containment-flags.js'
import { nodePodFlags, registryFlags, twinImageFlag } from '../src/cli/evidence-flags.js'
import { clusterFlags, clusterRequest, selectorFlag } from '../src/cli/flags.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { preflightScreen } from '../src/cli/preflight-screen.js'
import { rightsFlags, rightsWishes } from '../src/cli/rights-flags.js'
import { preflight } from '../src/engine/preflight/preflight.js'
import { systemContext } from '../src/engine/system.js'

export class Preflight extends BaseCommand {
  static override summary = 'what will work here, be partial or be missing, and why'
  static override description = `Asks the API server for every right of every collector and action, names the network plugin and by what it is known, tries the writes of a quarantine and the pod on the node by dry runs, and asks the registries of the pod's images, where --registry lets it. Changes nothing.

The exit status is about what the flags ask for, as they would be given to the command that --for names; what stands in brackets nobody asked for, and does not count. 0: nothing of it is missing for lack of a right, as far as can be told. 3: evidence would be partial or missing. 4: the command lacks a right that it can't do without. 9: a guard would refuse the quarantine of this pod. 7: containment that is asked for can't be had here. That something is not known does not change it.`
  static override examples = [
    '<%= config.bin %> preflight -n shop',
    '<%= config.bin %> preflight web-6dd6bfc4b-x2x7k -n shop --allow exec,node --cordon',
    '<%= config.bin %> preflight web-6dd6bfc4b-x2x7k -n shop --json',
  ]
  static override args = {
    target: Args.string({ description: 'the pod; any of the namespace if not given' }),
  }
  static override flags = {
    ...clusterFlags,
    ...selectorFlag,
    ...rightsFlags,
    ...killFlags,
    'node-image': nodePodFlags['node-image'],
    ...twinImageFlag,
    ...registryFlags,
  }

  override async run(): Promise<void> {
    const { flags, args, metadata } = await this.parse(Preflight)
    const interrupts = listenForInterrupts((line) => this.say(line))
    const { selector, 'registry-config': registryConfig } = flags
    try {
      const found = await preflight(
        {
          ...rightsWishes(flags),
          cluster: clusterRequest(flags),
          names: args.target === undefined ? [] : [args.target],
          ...(selector === undefined ? {} : { selector }),
          nodePods: nodePodWishes(flags['node-image'], flags['node-namespace']),
          ...(flags['twin-image'] === undefined ? {} : { twinImage: flags['twin-image'] }),
          imageGiven: metadata.flags['node-image']?.setFromDefault !== true,
          registry: flags.registry ?? ['auto'],
          ...(registryConfig === undefined ? {} : { registryConfig }),
          argv: ['preflight', ...this.argv],
        },
        systemContext(interrupts.collecting),
        (event) => {
          if (event.type === 'notice') this.say(event.text)
        },
      )
      process.exitCode = found.exitStatus
      this.print(found, preflightScreen(found), flags)
    } finally {
      interrupts.stop()
    }
  }
}
