import { runtimeID } from '../filesystem/upper/upper-report.js'
import { HeadAndTail } from '../formats/head-and-tail.js'
import type { CheckpointDocument } from '../model/checkpoint-document.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { REASON_OF, type Source } from '../model/evidence.js'
import type { NodeScript, NodeSession } from '../model/ports/node-pod.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type TargetContainer } from '../model/target.js'
import { CheckpointArchive } from './checkpoint/archive.js'
import { parseFacts, refusalOf, type CheckpointFacts } from './checkpoint/feasible.js'
import { takeCheckpoint } from './checkpoint/take.js'

const DEFAULT_MOST = 2 ** 32
const LOOK_BYTES = 64 << 10
/** A removal goes on after Ctrl-C, for so long. */
const REMOVED_WITHIN_MS = 30_000
/** The mark of a quarantine with --freeze. */
const FROZEN = 'impound.dev/freeze'

const DISTURBS: readonly string[] = [
  'checkpoint: the processes of each running container stand while CRIU writes down their memory, and their packets wait; a look at the clock, or at who traces them, shows it',
  'checkpoint: their memory and what they wrote lie in /var/lib/kubelet/checkpoints on the node’s disk until they are taken, then they are removed; not begun where the disk has too little room',
  'checkpoint: crictl is run on the node, its own where the image has none; the runtime’s log says that it was asked',
]

/**
 * Checkpoints of the running containers, made by their runtime as the kubelet has it make them, asked by the pod on the node: the kubelet's
 * own API would need a right that allows exec everywhere on the node. They lie on the node's disk until they are taken.
 */
export function createCheckpointCollector(script: string): Collector {
  return {
    name: 'checkpoint',
    summary:
      'with --checkpoint: memory, processes, sockets and files of each running container as CRIU stops it',
    phases: ['slow'],
    requirements: () => ({ access: [], impact: 'node', ways: ['node'], disturbs: DISTURBS }),
    async collect(context, target, sink) {
      const running = containersOf(target.pod).filter((one) => one.running)
      if (!context.options.allow.has('node')) {
        await sink.skip('checkpoint', 'not-allowed', 'it is asked for by a pod on the node: --allow node')
        return
      }
      if (running.length === 0) {
        await sink.skip('checkpoint', 'target-gone', 'no container of the pod runs')
        return
      }
      if (target.pod.metadata?.annotations?.[FROZEN] !== undefined) {
        await sink.skip('checkpoint', 'unsupported', 'its processes are frozen by a quarantine')
        return
      }
      const session = await context.nodePods.on(target.pod.spec?.nodeName ?? '', context.run.signal)
      // one after the other: the node's disk has room for one
      for (const container of running) {
        context.run.signal.throwIfAborted()
        await new ContainerCheckpoint(context, container, session, script, sink).take()
      }
    },
  }
}

class ContainerCheckpoint {
  readonly #context: CollectContext
  readonly #container: TargetContainer
  readonly #session: NodeSession
  readonly #script: string
  readonly #sink: Sink
  readonly #subject: string
  readonly #directory: string

  constructor(
    context: CollectContext,
    container: TargetContainer,
    session: NodeSession,
    script: string,
    sink: Sink,
  ) {
    this.#context = context
    this.#container = container
    this.#session = session
    this.#script = script
    this.#sink = sink
    this.#subject = `checkpoint ${container.name}`
    this.#directory = `checkpoint/${safeSegment(container.name)}`
  }

  /** What fails of this container is a row of the ledger, and the next one is taken. */
  async take(): Promise<void> {
    try {
      const id = runtimeID(this.#container.containerID)
      const facts = await this.#look(id)
      await this.#removeLeftovers(facts)
      const most = this.#context.options.maxCheckpointBytes ?? DEFAULT_MOST
      const refusal = refusalOf(facts, most)
      if (refusal === undefined) await this.#make(id, most, facts)
      else await this.#sink.skip(this.#subject, refusal.reason, refusal.why)
    } catch (error) {
      if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage')) throw error
      if (this.#context.run.signal.aborted) throw error
      await this.#sink.failed(this.#subject, error)
    }
  }

  async #look(id: string): Promise<CheckpointFacts> {
    const facts = parseFacts(await this.#words(['look', id], this.#context.run.signal))
    if (facts === undefined) throw new ImpoundError('cut', 'what the node says of it was cut short')
    return facts
  }

  async #make(id: string, most: number, facts: CheckpointFacts): Promise<void> {
    const { run } = this.#context
    const name = `impound-${run.random(8).toString('hex')}.tar`
    const file = `${facts.directory ?? ''}/${name}`
    const script = this.#call(['take', id, String(most), `name=${name}`])
    const source: Source = {
      kind: 'stream',
      mediaType: 'application/x-tar',
      trust: 'node-kernel',
      request: `node ${this.#session.node}: sh -c (templates/node/checkpoint.sh) impound-checkpoint take`,
    }
    const listing: Source = { ...source, kind: 'derived', mediaType: 'application/jsonl' }
    const archive = new CheckpointArchive(() =>
      this.#sink.open(`${this.#directory}/rootfs-diff.jsonl`, listing, `${this.#subject} rootfs-diff`),
    )
    const made = await this.#journalled('make', { container: this.#container.name, file })
    let removed: boolean | undefined
    try {
      const { taken, writer } = await takeCheckpoint(
        this.#context,
        this.#session,
        script,
        most,
        () => this.#sink.open(`${this.#directory}/checkpoint.tar`, source, this.#subject),
        archive,
        (bytes) => this.#context.progress(this.#subject, bytes),
      )
      removed = taken.removed
      const { failure } = taken
      const kept =
        failure === undefined
          ? await writer.end()
          : await writer.partial(REASON_OF[failure.code], failure.message)
      await this.#document(archive, kept.path)
      await made(undefined)
    } catch (error) {
      await made(error)
      throw error
    } finally {
      // the node said so itself, or it is asked once more, whatever ended this
      if (removed !== true) await this.#remove([name], facts.directory ?? '')
    }
  }

  async #document(archive: CheckpointArchive, tar: string): Promise<void> {
    const derivedFrom = [tar]
    const document: CheckpointDocument = {
      schema: 'impound/checkpoint/v1',
      derivedFrom,
      container: this.#container.name,
      ...archive.reading(),
    }
    const source: Source = { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom }
    await this.#sink.document(
      `${this.#directory}/checkpoint.json`,
      document,
      source,
      `${this.#subject} parts`,
    )
  }

  async #removeLeftovers({ leftovers, directory = '' }: CheckpointFacts): Promise<void> {
    if (leftovers.length > 0) await this.#remove(leftovers, directory)
  }

  /** Says in the ledger what may still be there. */
  async #remove(names: readonly string[], directory: string): Promise<void> {
    const removed = await this.#journalled('remove', { files: names.map((name) => `${directory}/${name}`) })
    const signal = AbortSignal.timeout(REMOVED_WITHIN_MS)
    try {
      const words = await this.#words(['remove', ...names], signal)
      const left = names.filter((name) => !words.split('\n').includes(`${name} removed`))
      if (left.length > 0) throw new ImpoundError('target-refused', 'it did not go away')
      await removed(undefined)
    } catch (error) {
      await removed(error)
      const files = names.map((name) => `${directory}/${name}`).join(' ')
      const why = `IT MAY STILL BE ON NODE ${this.#session.node}: rm ${files} (${messageOf(error)})`
      await this.#sink.failed(`${this.#subject} removal`, new ImpoundError('target-refused', why))
    }
  }

  /** What a script that says little says. */
  async #words(args: readonly string[], signal: AbortSignal): Promise<string> {
    const stdout = new HeadAndTail({ head: LOOK_BYTES, tail: 0 })
    const { stallTimeoutMs } = this.#context.options
    const run = await this.#session.run(this.#call(args), stdout, {
      signal,
      stallTimeoutMs,
      maxBytes: LOOK_BYTES,
    })
    if (run.exitCode !== 0) {
      const said = run.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
      throw new ImpoundError(run.exitCode === 3 ? 'not-found' : 'target-refused', said)
    }
    if (!run.complete) throw new ImpoundError('cut', 'the node did not count as many bytes as arrived')
    return stdout.text()
  }

  #call(args: readonly string[]): NodeScript {
    return { name: 'checkpoint', text: this.#script, args }
  }

  /** Writes down what will be done on the node, before it is; what is given back writes down what came of it. */
  async #journalled(
    step: 'make' | 'remove',
    body: { readonly container: string; readonly file: string } | { readonly files: readonly string[] },
  ): Promise<(error: unknown) => Promise<void>> {
    const { journal, run } = this.#context
    const id = run.random(16).toString('hex')
    const { namespace, name } = this.#session.pod
    await journal.intent({
      id,
      action: 'checkpoint',
      step,
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods/${name}/exec`,
      body: { ...body, node: this.#session.node, script: 'templates/node/checkpoint.sh' },
      auditId: '',
    })
    return (error) =>
      journal.result(error === undefined ? { id, status: 101 } : { id, error: messageOf(error) })
  }
}
