import { asString, at } from '../../model/json.js'
import type { NodeProgram } from './program.js'

const TOOLS = [
  ...['awk', 'cat', 'conntrack', 'cut', 'date', 'df', 'dd', 'find', 'getfattr', 'grep', 'head', 'ip', 'nft'],
  ...['nsenter', 'od', 'readlink', 'sed', 'sha256sum', 'sort', 'ss', 'stat', 'tail', 'tar', 'tee', 'timeout'],
  ...['tr', 'wc', 'xargs', 'gnu-tar'],
]

/** templates/node/facts.sh on a node of the lab, with an image that has all that is needed. */
export const facts: NodeProgram = async ({ node, store, now, out }) => {
  const object = store.get('nodes', { namespace: undefined, name: node })
  const info = (key: string): string => asString(at(object, 'status', 'nodeInfo', key)) ?? ''
  const lines = [
    `kernel=${info('kernelVersion')}`,
    'machine=x86_64',
    `hostname=${node}`,
    `os=${info('osImage')}`,
    `boot=${Math.floor(now.getTime() / 1000) - 86_400}`,
    `boot-id=${info('bootID')}`,
    `now=${Math.floor(now.getTime() / 1000)}`,
    'clock-ticks=100',
    'host-pid-namespace=yes',
    'cgroup=v2',
    'runtime-socket=/run/containerd/containerd.sock',
    'free=40000000000',
    ...TOOLS.map((tool) => `tool=${tool}`),
    'end=yes',
  ]
  await out(lines.map((line) => `${line}\n`).join(''))
  return 0
}
