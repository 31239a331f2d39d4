import { readScene } from '../../collectors/scene.js'
import { createContainment } from '../../containment/index.js'
import type { KubeConnection } from '../../kube/connect.js'
import { compactTime, madeUpCaseName } from '../../model/case-name.js'
import { ImpoundError } from '../../model/errors.js'
import { EXIT, worstExit, type ExitStatus } from '../../model/exit.js'
import type { RunContext } from '../../model/ports/run-context.js'
import type { Preflight, PreflightRow } from '../../model/preflight.js'
import type { Scene } from '../../model/scene.js'
import type { Target } from '../../model/target.js'
import { SCC_GROUP } from '../../model/openshift.js'
import { keyOf, missingAccess } from '../access.js'
import { openImages } from '../images.js'
import { noWishes } from '../no-wishes.js'
import { planKill } from '../plan-kill.js'
import { NO_JOURNAL, openCluster, planContext } from '../prepare.js'
import type { Progress } from '../progress.js'
import { collectChoices, type RightsWishes } from '../rbac.js'
import type { ClusterRequest, NodePodWishes } from '../request.js'
import { accessNeeds, anyPod } from '../run-access.js'
import { describeTool, localIdentity, readScripts } from '../system.js'
import { resolveTargets } from '../targets.js'
import { SOME_TWIN } from '../twin-wishes.js'
import { clusterRows } from './cluster-rows.js'
import { nodeRows } from './node-rows.js'
import { localRows, registryRows } from './outside-rows.js'
import { CANARY_TWIN, drafts, KILL, rowOf } from './rights-rows.js'

const THIS_POD = 'of this pod'

export interface PreflightRequest extends RightsWishes {
  readonly cluster: ClusterRequest
  /** One pod, or none: then rights are asked for any of the namespace. */
  readonly names: readonly string[]
  readonly selector?: string
  readonly nodePods: NodePodWishes
  /** Of a twin; that of the node's pod if not given. */
  readonly twinImage?: string
  /** Whether the node's image was given, and is not the default. */
  readonly imageGiven: boolean
  readonly registry: readonly string[]
  readonly registryConfig?: string
  readonly argv: readonly string[]
}

/**
 * What will work here. Reads, asks what one may do, and sends dry runs; changes nothing. Throws `not-found` for a target that is not there,
 * `refused` for more than one, `unreachable`.
 */
export async function preflight(
  request: PreflightRequest,
  run: RunContext,
  progress: Progress,
): Promise<Preflight> {
  const kube = await openCluster(request.cluster, run, progress)
  try {
    const scene = await sceneOf(request, kube, run)
    const { namespace } = kube.reader.facts
    const found = await targetOf(request, namespace, kube, run)
    const target = found ?? anyPod(namespace)
    const rows = await rowsOf(request, target, scene, kube, run, progress)
    return {
      schema: 'impound/preflight/v1',
      exitStatus: exitOf(rows),
      at: run.clock.now().toISOString(),
      for: request.command,
      cluster: {
        context: scene.where.context,
        server: scene.where.server,
        ...(scene.where.version === undefined ? {} : { version: scene.where.version }),
      },
      ...(scene.who.user === undefined ? {} : { user: scene.who.user }),
      namespace,
      ...(found === undefined ? {} : { target: { name: found.name, uid: found.uid } }),
      rows,
    }
  } finally {
    await kube.close()
  }
}

async function rowsOf(
  request: PreflightRequest,
  target: Target,
  scene: Scene,
  kube: KubeConnection,
  run: RunContext,
  progress: Progress,
): Promise<readonly PreflightRow[]> {
  const scripts = await readScripts()
  const { resources: served } = await kube.reader.discover(run.signal)
  const contains = request.command === 'seize' || request.command === 'quarantine'
  const takes = request.command === 'seize' || request.command === 'snapshot'
  const node = await nodeRows(
    request.nodePods,
    { given: request.imageGiven },
    target,
    scene,
    kube,
    request.allow.includes('node'),
    run,
  )
  const wanted = await drafts(request, target, scripts, served)
  const basic = await basics(request, target, kube, run)
  const rules = [...wanted, ...basic].flatMap((draft) => draft.rules)
  const lacks = new Set((await missingAccess(kube.reader, rules, run.signal)).map(keyOf))
  const tried = target.uid !== '' && contains ? await podRows(request, target, kube, run) : undefined
  const rows = [...basic, ...wanted]
    .map((draft) => rowOf(draft, lacks, served, node[0]?.state ?? 'not-known'))
    .map((row) => asTried(row, tried))
  const images = {
    registry: request.registry,
    ...(request.registryConfig === undefined ? {} : { registryConfig: request.registryConfig }),
    usePullSecrets: request.usePullSecrets,
    imageArchives: [],
  }
  const registryFor = await openImages(images, request.cluster.requestTimeoutMs, run.signal, progress)
  return [
    ...(await clusterRows(scene, target, kube, served, contains, run)),
    ...rows,
    ...(tried === undefined ? [] : [tried.quarantine]),
    ...node,
    ...(await registryRows(registryFor(target, kube.reader), target, takes, run)),
    ...(await localRows(process.env['PATH'])),
  ]
}

/** What was tried of this very pod. */
interface PodRows {
  readonly quarantine: PreflightRow
  /** Why a dry run of it was refused; undefined where it was not. */
  readonly refused: ReadonlyMap<string, string | undefined>
}

/** A row of which the rights are there, by what the server says of this pod. */
function asTried(row: PreflightRow, tried: PodRows | undefined): PreflightRow {
  if (tried === undefined || !tried.refused.has(row.name) || row.state === 'missing') return row
  const why = tried.refused.get(row.name)
  return why === undefined
    ? { ...row, why: [...row.why, 'a dry run was accepted'] }
    : { ...row, state: 'missing', why: [...row.why, why] }
}

/** The quarantine of this very pod: its plan, with every write tried by a dry run; and its twin, and its deletion. */
async function podRows(
  request: PreflightRequest,
  target: Target,
  kube: KubeConnection,
  run: RunContext,
): Promise<PodRows> {
  const options = await noWishes({ case: madeUpCaseName(run.clock.now()), who: '' })
  const containment = createContainment({
    ...options,
    allowOutage: false,
    wanted: new Set(request.wanted),
    allowNode: request.allow.includes('node'),
    twin: { ...SOME_TWIN, image: request.twinImage ?? request.nodePods.image },
  })
  const { refusals, missingAccess: lacks, actions } = await containment.plan(planContext(kube, run), target)
  const twin = actions.find(({ action }) => action === 'twin')
  const kill = await planKill(target, kube, NO_JOURNAL, run)
  const why = refusals.map(
    ({ message, override }) => message + (override === undefined ? '' : ` (→ ${override})`),
  )
  const state = why.length > 0 || lacks.length > 0 ? 'missing' : 'works'
  const tried =
    why.length > 0 || lacks.length > 0 ? why : ['its plan was made, its writes were tried by dry runs']
  return {
    quarantine: { area: 'containment', name: THIS_POD, state, asked: true, why: tried, missingAccess: lacks },
    refused: new Map([
      [KILL, kill.refused],
      // of a pod that can't be quarantined there is no twin
      ...(twin === undefined ? [] : [[CANARY_TWIN, twin.unready] as const]),
    ]),
  }
}

/** What every run does before and after: finding the pod, saying where it is, looking once more. */
async function basics(
  request: PreflightRequest,
  target: Target,
  kube: KubeConnection,
  run: RunContext,
): ReturnType<typeof drafts> {
  const { resources: served } = await kube.reader.discover(run.signal)
  const needs = await accessNeeds(
    {
      command: request.command,
      collect: collectChoices(request),
      wanted: [],
      nodeNamespace: request.nodePods.namespace,
      openShift: served.some(({ group }) => group === SCC_GROUP),
      served,
    },
    { names: request.names, namespace: target.namespace },
    target,
    await readScripts(),
  )
  const rulesOf = (part: string): (typeof needs)[number]['rules'] =>
    needs.filter((need) => need.part === part).flatMap(({ rules }) => rules)
  return [
    { area: 'cluster', name: 'find the pod', asked: true, rules: rulesOf('target') },
    {
      area: 'containment',
      name: 'what a quarantine touches',
      asked: request.command !== 'snapshot',
      rules: rulesOf('quarantine').filter(({ verb }) => verb === 'get' || verb === 'list'),
      needed: [],
    },
  ]
}

async function targetOf(
  request: PreflightRequest,
  namespace: string,
  kube: KubeConnection,
  run: RunContext,
): Promise<Target | undefined> {
  const { names, selector } = request
  if (names.length === 0 && selector === undefined) return undefined
  try {
    const targets = await resolveTargets(
      kube.reader,
      { names, namespace, ...(selector === undefined ? {} : { selector }) },
      run.signal,
    )
    const [first, ...others] = targets
    if (first !== undefined && others.length === 0) return first
    throw new ImpoundError('refused', `${targets.length} pods match: name one of them`, {
      hints: targets.slice(0, 5).map(({ name }) => name),
    })
  } catch (error) {
    // which rights are missing is what is being asked
    if (!(error instanceof ImpoundError) || error.code !== 'forbidden') throw error
    return undefined
  }
}

async function sceneOf(request: PreflightRequest, kube: KubeConnection, run: RunContext): Promise<Scene> {
  const now = run.clock.now()
  const { scene } = await readScene(run, kube.reader, {
    case: madeUpCaseName(now),
    run: `${compactTime(now)}-${run.random(4).toString('hex')}`,
    command: 'preflight',
    ...localIdentity(),
    tool: await describeTool(request.argv),
    utcOffsetMinutes: -now.getTimezoneOffset(),
    ntp: 'unknown',
  })
  return scene
}

/** By what the flags ask for alone: the status that lacking it gives a run. */
function exitOf(rows: readonly PreflightRow[]): ExitStatus {
  return worstExit(
    rows
      .filter(({ asked }) => asked)
      .map(({ area, name, state, missingAccess: lacks }): ExitStatus => {
        // without its twin a run is contained and not verified
        const hard = (area === 'containment' && name !== CANARY_TWIN) || name === 'find the pod'
        if (state === 'missing' && hard && lacks.length > 0) return EXIT.forbidden
        // as the run would end: refused by a guard, or contained with less than was asked for
        if (state === 'missing' && area === 'containment') {
          return name === THIS_POD || name === KILL ? EXIT.refused : EXIT.containment
        }
        if (area === 'evidence' && (state === 'missing' || state === 'partial')) return EXIT.incomplete
        return area === 'node' && state === 'missing' ? EXIT.incomplete : EXIT.done
      }),
  )
}
