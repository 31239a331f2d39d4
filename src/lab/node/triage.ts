import { asString, at } from '../../model/json.js'
import { tarArchive } from '../shop/files/tar-writer.js'
import type { NodeCall, NodeProgram } from './program.js'

const BLOCK = 512

interface FileOnNode {
  readonly kind: string
  readonly path: string
  readonly content: Buffer
  /** Seconds since 1970. */
  readonly time: number
}

/** templates/node/triage.sh on a node of the lab: a node to which the intruder came, by a cron job and a key. */
export const triage: NodeProgram = async (call) => {
  const [action, ...names] = call.args
  const files = filesOf(call)
  if (action === 'list') {
    const records = files.map(({ kind, path, content, time }, index) => {
      const blocks = Math.ceil(content.length / BLOCK)
      const times = `${time}.0000000000 `.repeat(3)
      return `f ${800_000 + index} 1 ${blocks} ${content.length} 644 0 0 ${times}${kind} ${path}\0`
    })
    await call.out(`${records.join('')}\0`)
    const lines = call.containers.flatMap(({ id, inside, running }, index) =>
      running ? (inside?.processes ?? []).map(({ pid }) => `${8_000 + index * 1_000 + pid} ${id}\n`) : [],
    )
    await call.out(lines.join(''))
    return 0
  }
  const wanted = files.filter(({ path }) => names.includes(path))
  const members = wanted.map(({ path, content, time }) => ({
    name: `.${path}`,
    node: { kind: 'file', content, mode: 0o644, uid: 0, gid: 0, mtime: time } as const,
  }))
  for (const chunk of tarArchive(members, 'pax')) await call.out(chunk)
  return 0
}

function filesOf({ now, containers }: NodeCall): readonly FileOnNode[] {
  const time = Math.floor(now.getTime() / 1000) - 1_200
  const file = (kind: string, path: string, text: string): FileOnNode => ({
    kind,
    path,
    content: Buffer.from(text),
    time,
  })
  return [
    file('cron', '/etc/cron.d/sysstat', '*/5 * * * * root /var/tmp/.x/kworker >/dev/null 2>&1\n'),
    file('ssh-keys', '/root/.ssh/authorized_keys', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIlab operator\n'),
    file('kubelet-config', '/var/lib/kubelet/config.yaml', 'kind: KubeletConfiguration\n'),
    ...containers
      .filter(({ running }) => running)
      .map(({ id, pod }) =>
        file(
          'container',
          `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`,
          JSON.stringify({
            annotations: {
              'io.kubernetes.cri.container-type': 'container',
              'io.kubernetes.cri.sandbox-namespace': asString(at(pod, 'metadata', 'namespace')) ?? '',
              'io.kubernetes.cri.sandbox-name': asString(at(pod, 'metadata', 'name')) ?? '',
              'io.kubernetes.cri.sandbox-uid': asString(at(pod, 'metadata', 'uid')) ?? '',
            },
          }),
        ),
      ),
    file('node-log', '/var/log/syslog', 'kubelet[812]: I1122 02:11:03 started\n'),
  ]
}
