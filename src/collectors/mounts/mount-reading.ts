import { runtimeID } from '../../filesystem/upper/upper-report.js'
import type { CollectContext } from '../../model/collector.js'
import { ImpoundError, isCode, messageOf } from '../../model/errors.js'
import { REASON_OF, type Source } from '../../model/evidence.js'
import type { MountLeft, MountsDocument, MountTaken } from '../../model/mounts-document.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import type { Sink } from '../../model/ports/sink.js'
import type { Scripts } from '../../model/scripts.js'
import { containersOf, type Target } from '../../model/target.js'
import { mountsOf, nameOf, specVolumes } from '../../model/spec-volumes.js'
import { placesOf, type ContainerMounts, type Place } from './places.js'
import { PlaceOutput } from './place-output.js'
import { takeByExec } from './take-by-exec.js'
import { readContainerMounts, takeOnNode } from './take-on-node.js'

export type MountScripts = Pick<Scripts, 'writableMounts' | 'captureMount'>

/** Most places of one pod: each costs a script of its own. */
const MOST_PLACES = 100

/** Reads places where containers of a pod can write, one after the other, and tells of all in mounts.json. */
export class MountReading {
  readonly #context: CollectContext
  readonly #target: Target
  readonly #scripts: MountScripts
  readonly #scratch: string
  readonly #sink: Sink
  readonly #taken: MountTaken[] = []
  readonly #left: MountLeft[] = []
  readonly #artefacts: string[] = []

  constructor(context: CollectContext, target: Target, scripts: MountScripts, scratch: string, sink: Sink) {
    this.#context = context
    this.#target = target
    this.#scripts = scripts
    this.#scratch = scratch
    this.#sink = sink
  }

  /** Undefined, with a row, where there is no node pod. */
  async session(): Promise<NodeSession | undefined> {
    const node = this.#target.pod.spec?.nodeName
    try {
      if (node === undefined || node === '') throw new ImpoundError('unsupported', 'the pod is on no node')
      return await this.#context.nodePods.on(node, this.#context.run.signal)
    } catch (error) {
      if (isCode(error, 'aborted', 'storage')) throw error
      await this.#sink.failed('writable-mounts on the node', error)
      return undefined
    }
  }

  async onNode(session: NodeSession): Promise<void> {
    const script = this.#scripts.writableMounts
    const running: ContainerMounts[] = []
    for (const { name, containerID } of containersOf(this.#target.pod).filter((one) => one.running)) {
      try {
        running.push(
          await readContainerMounts(this.#context, session, script, { name, id: runtimeID(containerID) }),
        )
      } catch (error) {
        this.#travels(error)
        await this.#sink.failed(`mounts of ${name}`, error)
      }
    }
    const { places, left } = placesOf(this.#target.pod, this.#target.uid, running)
    for (const one of left) await this.#leave(one)
    await this.takeAll(session, places)
  }

  async takeAll(session: NodeSession, places: readonly Place[]): Promise<void> {
    for (const place of places.slice(0, MOST_PLACES)) {
      const source = this.#source(
        'node-kernel',
        `node ${session.node}: sh -c (templates/node/writable-mounts.sh) impound-writable-mounts take`,
      )
      await this.#take(place, source, `node ${session.node}`, (output) =>
        this.#anyWay(session, place, output),
      )
    }
    await this.#tooMany(places.length)
  }

  /** The first of the ways that leads to the place. */
  async #anyWay(
    session: NodeSession,
    place: Place,
    output: () => Promise<PlaceOutput>,
  ): ReturnType<typeof takeOnNode> {
    const script = this.#scripts.writableMounts
    let failure: unknown = new ImpoundError('unsupported', 'no container that runs shows the way to it')
    for (const way of place.ways) {
      try {
        return await takeOnNode(this.#context, session, script, place, way, output, this.#startedAt(place))
      } catch (error) {
        this.#travels(error)
        failure = error
        if (!isCode(error, 'not-found')) break
      }
    }
    throw failure
  }

  /** What the spec says is mounted, and /dev/shm, which every container has: the container's own words on its mounts are not asked. */
  async byExec(): Promise<void> {
    const running = containersOf(this.#target.pod).filter((one) => one.running)
    const [first] = running
    const places: Place[] = specVolumes(this.#target.pod)
      .filter((volume) => 'emptyDir' in volume)
      .flatMap((volume): readonly Place[] => {
        const mount = mountsOf(this.#target.pod, nameOf(volume)).find(({ container }) =>
          running.some(({ name }) => name === container),
        )
        if (mount === undefined) return []
        const { container, path: point } = mount
        return [{ container, point, volume: nameOf(volume), type: 'emptyDir', mode: 'content', ways: [] }]
      })
    if (first !== undefined) {
      places.push({ container: first.name, point: '/dev/shm', type: 'tmpfs', mode: 'content', ways: [] })
    }
    for (const place of places.slice(0, MOST_PLACES)) {
      const request = `exec ${place.container}: sh -c (templates/capture-mount.sh) impound`
      await this.#take(
        place,
        this.#source('target-controlled', request),
        `container ${place.container}`,
        (output) =>
          takeByExec(
            this.#context,
            this.#target,
            this.#scripts.captureMount,
            place,
            output,
            this.#startedAt(place),
          ),
      )
    }
    await this.#tooMany(places.length)
  }

  async document(): Promise<void> {
    const document: MountsDocument = {
      schema: 'impound/mounts/v1',
      derivedFrom: this.#artefacts,
      taken: this.#taken,
      left: this.#left,
    }
    await this.#sink.document(
      'mounts.json',
      document,
      { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom: this.#artefacts },
      '',
    )
  }

  async #take(
    place: Place,
    source: Source,
    readAt: string,
    how: (output: () => Promise<PlaceOutput>) => ReturnType<typeof takeOnNode>,
  ): Promise<void> {
    const { maxContentBytes } = this.#context.options
    try {
      const { output, short } = await how(() =>
        PlaceOutput.open(this.#sink, place, source, maxContentBytes, this.#scratch),
      )
      const tally = await output.end(short)
      this.#artefacts.push(...output.artefacts)
      const { container, point, volume, type, mode } = place
      this.#taken.push({
        container,
        point,
        ...(volume === undefined ? {} : { volume }),
        type,
        mode,
        trust: source.trust,
        readAt,
        ...tally,
        complete: short === undefined,
        ...(short === undefined ? {} : { why: short.why }),
      })
    } catch (error) {
      this.#travels(error)
      const { container, point, volume, type } = place
      const reason = error instanceof ImpoundError ? REASON_OF[error.code] : 'failed'
      this.#left.push({
        container,
        point,
        ...(volume === undefined ? {} : { volume }),
        type,
        reason,
        why: messageOf(error),
      })
      await this.#sink.failed(`mount ${container} ${point}`, error)
    }
  }

  async #leave(left: MountLeft): Promise<void> {
    this.#left.push(left)
    // what nobody writes to needs no row
    if (left.reason === 'not-applicable') return
    await this.#sink.skip(`mount ${left.container} ${left.point}`, left.reason, left.why)
  }

  async #tooMany(count: number): Promise<void> {
    if (count <= MOST_PLACES) return
    await this.#sink.skip(
      'writable-mounts',
      'too-big',
      `${count - MOST_PLACES} more mounts than ${MOST_PLACES} are not read`,
    )
  }

  #source(trust: Source['trust'], request: string): Source {
    return { kind: 'stream', mediaType: 'application/x-tar', trust, request }
  }

  #startedAt({ container }: Place): number {
    const started = containersOf(this.#target.pod).find(({ name }) => name === container)?.startedAt
    const seconds = Math.floor(Date.parse(started ?? '') / 1000)
    return Number.isNaN(seconds) ? Infinity : seconds
  }

  /** An interrupt, local storage, and a fault of ours are not this place's. */
  #travels(error: unknown): void {
    if (
      isCode(error, 'aborted', 'storage') ||
      this.#context.run.signal.aborted ||
      !(error instanceof ImpoundError)
    )
      throw error
  }
}
