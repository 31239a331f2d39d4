import { Args, Flags } from '@oclif/core'

import { BaseCommand } from '../src/cli/base-command.js'
import { diffScreen } from '../src/cli/diff-screen.js'
import { registryFlags } from '../src/cli/evidence-flags.js'
import { platformFrom } from '../src/cli/flag-values.js'
import { listenForInterrupts } from '../src/cli/interrupts.js'
import { diff } from '../src/engine/diff.js'

const DEADLINE_MS = 30_000

export class Diff extends BaseCommand {
  static override summary = 'say what differs between two images, or between what two archives captured'
  static override description =
    'Files by type, mode, owner, size, SHA-256, links and extended attributes, and what the configurations of two images say differently; the oddest first. An image is a reference, an OCI layout or a docker-archive (FILE, or FILE#REFERENCE where it holds several); its layers are checked against their digests. Archives of impound are verified first. A difference is no failure: the exit status is 3 only where not everything could be compared.'
  static override examples = [
    '<%= config.bin %> diff registry.example/shop/web:1.8 registry.example/shop/web:1.9',
    '<%= config.bin %> diff web.tar registry.example/shop/web@sha256:… --json',
    '<%= config.bin %> diff INC-42/before.tar.gz INC-42/after.tar.gz --container app',
  ]
  static override args = {
    a: Args.string({ description: 'an image, or an archive of impound', required: true }),
    b: Args.string({ description: 'what it is compared with', required: true }),
  }
  static override flags = {
    ...registryFlags,
    platform: Flags.string({
      summary: 'of an image for several: OS/ARCHITECTURE[/VARIANT]',
      helpValue: 'PLATFORM',
      default: 'linux/amd64',
    }),
    pod: Flags.string({ summary: 'of archives with several: the pod', helpValue: 'NAME' }),
    container: Flags.string({ summary: 'of archives with several: the container', helpValue: 'NAME' }),
    limit: Flags.integer({
      summary: 'most changed files that are told',
      helpValue: 'N',
      default: 10_000,
      min: 0,
      max: 1_000_000,
    }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff)
    const { a, b } = args
    const { pod, container, limit, 'registry-config': registryConfig } = flags
    const interrupts = listenForInterrupts((line) => this.say(line))
    try {
      const { document, exitStatus } = await diff(
        {
          ...{ a, b, limit, platform: platformFrom(flags.platform), requestTimeoutMs: DEADLINE_MS },
          ...(pod === undefined ? {} : { pod }),
          ...(container === undefined ? {} : { container }),
          images: {
            registry: flags.registry ?? ['auto'],
            ...(registryConfig === undefined ? {} : { registryConfig }),
          },
        },
        interrupts.collecting,
        (event) => {
          if (event.type === 'notice') this.say(event.text)
        },
      )
      process.exitCode = exitStatus
      this.print(document, diffScreen(document), flags)
    } finally {
      interrupts.stop()
    }
  }
}
