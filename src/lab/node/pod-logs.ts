import { asNumber, asString, at } from '../../model/json.js'
import { tarArchive, type TarMember } from '../shop/files/tar-writer.js'
import type { LabLogLine } from '../log-line.js'
import { objectsIn } from '../store/object.js'
import type { ContainerOnNode, NodeCall, NodeProgram } from './program.js'

const BLOCK = 512
const RECORD = 64 << 10

interface LogFileOnNode {
  /** Below the pod's directory. */
  readonly name: string
  readonly content: Buffer
  /** Seconds since 1970. */
  readonly mtime: number
}

/** templates/node/pod-logs.sh on a node of the lab: what its kubelet has of a pod's logs, that of the run before and rotated ones too. */
export const podLogs: NodeProgram = async ({ args, containers, out, err }) => {
  const [action, namespace = '-', name = '-', uid = '', ...names] = args
  const own = containers.filter(({ pod }) => {
    const of = (key: string): string => asString(at(pod, 'metadata', key)) ?? ''
    return of('uid') === uid && (namespace === '-' || (of('namespace') === namespace && of('name') === name))
  })
  const [first] = own
  if (first === undefined) {
    await err('impound-pod-logs: the node has no directory of this pod below /var/log/pods\n')
    return 3
  }
  const files = own.flatMap(filesOf).sort((a, b) => (a.name < b.name ? -1 : 1))
  if (action === 'read') {
    const wanted = names.flatMap((one) => files.find((file) => file.name === one) ?? [])
    const tar = Buffer.concat([...tarArchive(wanted.map(member), 'pax')])
    await out(tar)
    await out(Buffer.alloc((RECORD - (tar.length % RECORD)) % RECORD))
  }
  await list(out, directoryOf(first.pod), files)
  return 0
}

function filesOf({ pod, name, inside, log }: ContainerOnNode): readonly LogFileOnNode[] {
  const status = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses']
    .flatMap((key) => objectsIn(at(pod, 'status', key)))
    .find((one) => one.name === name)
  const run = asNumber(at(status, 'restartCount')) ?? 0
  return [
    ...fileOf(`${name}/${run}.log`, log?.(false)),
    ...(inside?.rotatedLogs ?? []).flatMap(({ at: when, lines }) =>
      fileOf(`${name}/${run}.log.${stamp(when)}`, lines),
    ),
    ...(run === 0 ? [] : fileOf(`${name}/${run - 1}.log`, log?.(true))),
  ]
}

/** As a runtime writes it for the kubelet: TIME STREAM TAG TEXT. */
function fileOf(name: string, lines: readonly LabLogLine[] | undefined): readonly LogFileOnNode[] {
  if (lines === undefined) return []
  const content = Buffer.from(lines.map(({ time, text }) => `${time} stdout F ${text}\n`).join(''))
  const mtime = Math.floor(Date.parse(lines.at(-1)?.time ?? '') / 1000) || 0
  return [{ name, content, mtime }]
}

/** 20060102-150405, of the node's clock, which is UTC here. */
function stamp(when: Date): string {
  return when.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
}

function directoryOf(pod: ContainerOnNode['pod']): string {
  const metadata = (key: string): string => asString(at(pod, 'metadata', key)) ?? ''
  return `${metadata('namespace')}_${metadata('name')}_${metadata('uid')}`
}

async function list(out: NodeCall['out'], own: string, files: readonly LogFileOnNode[]): Promise<void> {
  const records = files.map(({ name, content, mtime }, index) => {
    const blocks = Math.ceil(content.length / BLOCK)
    const times = `${mtime}.0000000000 `.repeat(3)
    return `f ${700_000 + index} 1 ${blocks} ${content.length} 640 0 0 ${times}${name}\0`
  })
  await out(`d 0 0 0 0 0 0 0 0 0 0 ${own}\0${records.join('')}`)
}

function member({ name, content, mtime }: LogFileOnNode): TarMember {
  return { name: `./${name}`, node: { kind: 'file', content, mode: 0o640, uid: 0, gid: 0, mtime } }
}
