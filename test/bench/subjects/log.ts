/** Runs the logs collector on a pod of one container: argv is kubeconfig, namespace, pod, a folder for the spool, and how many lines there are. */
import { randomBytes } from 'node:crypto'

import { createLogsCollector } from '../../../src/collectors/logs.js'
import { createSpool } from '../../../src/evidence/index.js'
import { podPath, type ApiPath } from '../../../src/model/api-path.js'
import type { LogsDocument } from '../../../src/model/log-documents.js'
import type { Json } from '../../../src/model/json.js'
import type { Pod } from '../../../src/model/kubernetes.js'
import { fingerprint } from '../fingerprint.js'
import { connection, MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

const [kubeconfig = '', namespace = '', name = '', outputDirectory = '', lines = ''] = process.argv.slice(2)
const kube = await connection(kubeconfig)
const { signal } = new AbortController()
const response = await kube.reader.get(podPath(namespace, name), { signal })
const pod = JSON.parse(response.body.toString('utf8')) as Pod
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
const unused = (): never => {
  throw new Error('no need of the logs collector')
}
/** The pod as it is now, read and not kept: what is measured is the log. */
const keepNothing = async (path: ApiPath | string) => {
  const { body, ...kept } = await kube.reader.get(path, { signal })
  return { artefact: '', response: kept, json: JSON.parse(body.toString('utf8')) as Json }
}
await createLogsCollector('').collect(
  {
    run: { clock, random: randomBytes, signal },
    phase: 'slow',
    options: {
      allow: new Set(),
      skip: new Set(),
      stallTimeoutMs: STALL_MS,
      maxLogBytes: MAX_BYTES,
      maxContentBytes: MAX_BYTES,
      usePullSecrets: false,
    },
    api: { get: unused, list: unused, discover: unused },
    now: { get: keepNothing, list: unused, discover: unused },
    logs: kube.logs,
    exec: kube.exec,
    nodePods: { on: unused },
    ephemerals: { beside: unused },
    journal: { intent: unused, result: unused },
    registry: {
      archived: unused,
      attachments: unused,
      attached: unused,
      allows: unused,
      digestOf: unused,
      resolve: unused,
      blob: unused,
    },
    case: { document: unused, content: unused },
    progress: () => undefined,
  },
  { namespace, name, uid: pod.metadata?.uid ?? '', pod },
  spool.targetSink({ directory: TARGET_DIRECTORY }, 'logs'),
)
const logs = (await spool.readDocument(`data/targets/${TARGET_DIRECTORY}/logs.json`)) as LogsDocument
const [log] = logs.logs
const record = spool.index().find(({ path }) => path === log?.path)
if (record?.status !== 'collected') throw new Error('the log is not complete')
if (log?.lines !== Number(lines))
  throw new Error(`the log has ${log?.lines ?? 0} lines and not ${lines}: the kubelet rotated it`)
await spool.close()
await kube.close()
process.stdout.write(`${fingerprint(record.bytes, record.sha256)}\n`)
