import type { NodeDocument } from '../model/node-document.js'
import { ImpoundError } from '../model/errors.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import { HeadAndTail } from '../formats/head-and-tail.js'

/** What scripts on nodes count on: docs/node-pod.md. 'gnu-tar' is a tar that says it is GNU's. */
const NEEDED = [
  ...[
    'awk',
    'cat',
    'cut',
    'date',
    'dd',
    'df',
    'find',
    'gnu-tar',
    'grep',
    'head',
    'ip',
    'nsenter',
    'od',
    'readlink',
  ],
  ...['sed', 'sha256sum', 'sort', 'stat', 'tail', 'tee', 'timeout', 'tr', 'wc', 'xargs'],
]

const MAX_BYTES = 64 << 10
const STALL_MS = 15_000

/** What the node is and what of the needed tools the image lacks, by templates/node/facts.sh. Throws as NodeSession.run does. */
export async function readNodeFacts(
  session: NodeSession,
  script: string,
  signal: AbortSignal,
): Promise<NodeDocument> {
  const stdout = new HeadAndTail({ head: MAX_BYTES, tail: 0 })
  const { complete, exitCode, stderr } = await session.run(
    { name: 'facts', text: script, args: [] },
    stdout,
    {
      signal,
      stallTimeoutMs: STALL_MS,
      maxBytes: MAX_BYTES,
    },
  )
  const values = new Map<string, string[]>()
  for (const line of stdout.text().split('\n')) {
    const [, key, value] = /^([a-z-]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) values.set(key, [...(values.get(key) ?? []), value])
  }
  const tools = values.get('tool') ?? []
  if (!complete && values.size === 0) {
    const said = stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
    throw new ImpoundError(
      'unsupported',
      `its image runs none of our scripts (exit ${exitCode})${said === '' ? '' : `: ${said}`}`,
      {
        hints: ['docs/node-pod.md says what the image must have'],
      },
    )
  }
  if (!values.has('end')) throw new ImpoundError('cut', 'what the node pod says of its node was cut short')
  const text = (key: string): string | undefined => values.get(key)?.[0] || undefined
  const optional = (entries: Readonly<Record<string, string | number | undefined>>): object =>
    Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
  return {
    schema: 'impound/node/v1',
    derivedFrom: [],
    node: session.node,
    pod: session.pod,
    ...optional({
      kernel: text('kernel'),
      machine: text('machine'),
      hostname: text('hostname'),
      os: text('os'),
      bootId: text('boot-id'),
      cgroup: text('cgroup'),
      bootedAt: seconds(text('boot')),
      clock: seconds(text('now')),
      clockTicks: count(text('clock-ticks')),
      freeBytes: count(text('free')),
    }),
    runtimeSockets: values.get('runtime-socket') ?? [],
    seesHostProcesses: text('host-pid-namespace') === 'yes',
    tools: tools.toSorted(),
    missingTools: NEEDED.filter((tool) => !tools.includes(tool)),
  }
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

/** RFC 3339 of seconds since 1970. */
function seconds(text: string | undefined): string | undefined {
  const value = count(text)
  return value === undefined || value > 253402300799 ? undefined : new Date(value * 1000).toISOString()
}
