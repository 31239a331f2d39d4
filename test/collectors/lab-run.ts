import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { runPhase } from '../../src/engine/collect.js'
import type { ProgressEvent } from '../../src/engine/progress.js'
import { Recording } from '../../src/engine/recorder.js'
import { systemClock, systemContext } from '../../src/engine/system.js'
import { resolveTargets } from '../../src/engine/targets.js'
import { createSpool, targetDirectory, type Spool } from '../../src/evidence/index.js'
import { connect, type KubeConnection } from '../../src/kube/connect.js'
import type { Lab } from '../../src/lab/lab.js'
import type { Collector } from '../../src/model/collector.js'
import type { LedgerRow } from '../../src/model/evidence.js'
import type { Target } from '../../src/model/target.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { SAMPLE_SCENE } from '../cli/sample-plan.js'

/** One collector on the lab's suspect, through the real connection into a real spool. */
export class LabRun {
  readonly target: Target
  readonly kube: KubeConnection
  readonly events: ProgressEvent[] = []
  private readonly spool: Spool
  private readonly home: string
  private readonly stop = new AbortController()

  private constructor(target: Target, kube: KubeConnection, spool: Spool, home: string) {
    this.target = target
    this.kube = kube
    this.spool = spool
    this.home = home
  }

  static async open(lab: Lab, kubeconfig = lab.kubeconfig): Promise<LabRun> {
    const connectAs = (file: string): Promise<KubeConnection> =>
      connect({
        kubeconfig: file,
        asGroups: [],
        requestTimeoutMs: 60_000,
        clock: systemClock,
        random: randomBytes,
        notice: () => undefined,
      })
    const admin = await connectAs(lab.kubeconfig)
    const { name, namespace } = lab.suspect
    const [target] = await resolveTargets(
      admin.reader,
      { names: [name], namespace },
      AbortSignal.timeout(60_000),
    )
    await admin.close()
    const home = mkdtempSync(join(tmpdir(), 'impound-collector-'))
    const spool = await createSpool({
      outputDirectory: home,
      name: 'run',
      clock: systemClock,
      scene: SAMPLE_SCENE,
    })
    return new LabRun(target!, await connectAs(kubeconfig), spool, home)
  }

  /** Runs the first phase of the collector; its rows of the ledger. */
  async collect(
    collector: Collector,
    options: { readonly stallTimeoutMs?: number; readonly maxLogBytes?: number } = {},
  ): Promise<readonly LedgerRow[]> {
    const directory = targetDirectory(this.target)
    await runPhase(systemContext(this.stop.signal), collector.phases[0]!, [collector], {
      target: this.target,
      label: 'suspect',
      recording: new Recording(this.kube.reader, (body) => Promise.resolve(body)),
      options: {
        allow: new Set(),
        skip: new Set(),
        stallTimeoutMs: 30_000,
        maxLogBytes: 1e9,
        maxContentBytes: 1e9,
        usePullSecrets: false,
        ...options,
      },
      kube: this.kube,
      ephemerals: { beside: () => Promise.reject(new Error('not part of this test')) },
      nodePods: { on: () => Promise.reject(new Error('not part of this test')) },
      registry: createRegistry({
        policy: parseRegistryPolicy(['never']),
        timeoutMs: 30_000,
        notice: () => undefined,
      }),
      journal: this.spool.journal,
      caseView: {
        document: () => Promise.resolve(undefined),
        content: (path) => this.spool.readContent(path),
      },
      progress: (event) => this.events.push(event),
      sink: (name) => this.spool.targetSink({ directory }, name),
      ledger: () => this.spool.ledger(),
    })
    return this.spool.ledger().filter((row) => row.collector === collector.name)
  }

  abort(): void {
    this.stop.abort()
  }

  text(name: string): string {
    return readFileSync(
      join(this.spool.directory, 'data/targets', targetDirectory(this.target), name),
      'utf8',
    )
  }

  json(name: string): unknown {
    return JSON.parse(this.text(name))
  }

  /** Paths in the archive that a derived document says it was made from, all of which are there. */
  has(path: string): boolean {
    return this.spool.index().some((record) => record.path === path)
  }

  async close(): Promise<void> {
    await this.kube.close()
    await this.spool.close()
    rmSync(this.home, { recursive: true, force: true })
  }
}
