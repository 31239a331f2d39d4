import { executableMaps, type ExecutableMaps } from '../../formats/proc/maps.js'
import { parseStat, type ProcessStat } from '../../formats/proc/stat.js'
import type { ProcessStatus } from '../../formats/proc/status.js'
import { zeroWords } from '../../formats/proc/zero-words.js'
import type { FileIdentity, ProcessRecord, RecordedLink, RecordedWords } from './process-record.js'
import { Retention } from './retention.js'

const MOST_ARGS = 256
const MOST_NAMES = 256
const MOST_AREAS = 64
/** Of all processes together; past it a process has few, and says how many more. */
const ALL_AREAS = 30_000
const FEW_AREAS = 2
const ARG_BYTES = 4096
const COMMAND_BYTES = 16_384
/** What many processes have the same of, and so is looked up. */
const MOST_SHARED = 5_000
const ZERO = Buffer.of(0)

/** Variables that make the loader, an interpreter or a shell run something else: their values are worth a line. */
const LOADER =
  /^(?:LD_[A-Z_]+|PATH|BASH_ENV|ENV|HISTFILE|PROMPT_COMMAND|PYTHONPATH|PERL5OPT|NODE_OPTIONS|JAVA_TOOL_OPTIONS)$/

/** What is kept in memory of the files of /proc/PID: bounded for all processes together, and once where many have the same. */
export class KeptFacts {
  readonly #retention = new Retention()
  readonly #statuses = new Map<string, ProcessRecord['status']>()
  readonly #identities = new Map<string, FileIdentity>()
  #areas = 0

  link(target: string): RecordedLink {
    return { target: this.#retention.keepText(target, 4200, 'link'), identity: undefined }
  }

  stat(content: Buffer): ProcessStat | undefined {
    const stat = parseStat(content)
    if (stat === undefined) return undefined
    return { ...stat, comm: this.#retention.keepText(stat.comm, 64, 'name'), state: stat.state.slice(0, 1) }
  }

  /** Most processes of a container have the same: one object for them. */
  status(status: Omit<ProcessStatus, 'nsPids'>): ProcessRecord['status'] {
    const key = JSON.stringify(status)
    const known = this.#statuses.get(key)
    if (known !== undefined) return known
    const { capabilities } = status
    const kept = {
      ...status,
      groups: this.#retention.numbers(status.groups),
      capabilities:
        capabilities === undefined
          ? undefined
          : {
              inheritable: this.#retention.keepText(capabilities.inheritable, 16, 'word'),
              permitted: this.#retention.keepText(capabilities.permitted, 16, 'word'),
              effective: this.#retention.keepText(capabilities.effective, 16, 'word'),
              bounding: this.#retention.keepText(capabilities.bounding, 16, 'word'),
              ambient: this.#retention.keepText(capabilities.ambient, 16, 'word'),
            },
    }
    if (this.#statuses.size < MOST_SHARED) this.#statuses.set(key, kept)
    return kept
  }

  /** Programs and directories are the same file for many processes. */
  identity({ device, inode, links, mode, size }: FileIdentity): FileIdentity {
    const key = `${device} ${inode} ${links} ${mode} ${size}`
    const known = this.#identities.get(key)
    if (known !== undefined) return known
    const kept = { device: this.#retention.keepText(device, 48, 'word'), inode, links, mode, size }
    if (this.#identities.size < MOST_SHARED) this.#identities.set(key, kept)
    return kept
  }

  maps(content: Buffer): ExecutableMaps {
    const maps = executableMaps(content, this.#areas < ALL_AREAS ? MOST_AREAS : FEW_AREAS)
    const executable = maps.executable.map((area) => ({
      ...area,
      permissions: this.#retention.keepText(area.permissions, 4, 'word'),
      path: this.#retention.keepText(area.path, 4200, 'area'),
    }))
    this.#areas += executable.length
    return { ...maps, executable }
  }

  args(content: Buffer): RecordedWords {
    const { count } = zeroWords(content, 0)
    const { words } = zeroWords(content.subarray(0, COMMAND_BYTES), MOST_ARGS)
    return this.#words(
      words.map((word) => word.subarray(0, ARG_BYTES)),
      count,
      'arguments',
    )
  }

  #words(words: readonly Buffer[], count: number, kind: 'arguments' | 'variables'): RecordedWords {
    const joined = Buffer.concat(words.flatMap((word, index) => (index === 0 ? [word] : [ZERO, word])))
    const text = this.#retention.keep(joined, joined.length, kind)
    if (text.length === joined.length) return { text, kept: words.length, count }
    // not the half of a word, unless there is no other
    const whole = text.includes('\0') ? text.slice(0, text.lastIndexOf('\0')) : text
    return { text: whole, kept: whole.split('\0').length, count }
  }

  environment(content: Buffer): NonNullable<ProcessRecord['environment']> {
    const { words, count } = zeroWords(content, MOST_NAMES)
    const names: Buffer[] = []
    const loader: Buffer[] = []
    for (const word of words) {
      const equals = word.indexOf(0x3d)
      const name = (equals === -1 ? word : word.subarray(0, equals)).subarray(0, 128)
      names.push(name)
      if (equals !== -1 && LOADER.test(name.toString('latin1')))
        loader.push(name, word.subarray(equals + 1, equals + 1 + 1024))
    }
    return {
      ...this.#words(names, count, 'variables'),
      loader: this.#words(loader, 0, 'arguments').text,
    }
  }
}
