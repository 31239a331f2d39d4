import type { Mount } from './inside.js'
import { later } from '../moments.js'
import { Overlay } from '../files/overlay.js'
import type { BytePath, Tree, TreeNode } from '../files/tree.js'

export interface MountedPod {
  readonly uid: string
  readonly name: string
  readonly ip: string
  readonly startedAt: Date
}

const DISK = { filesystem: 'ext4', options: 'rw,relatime' } as const

/** What the runtime and the kubelet mount into every container of a pod. */
export function standardMounts(pod: MountedPod): readonly Mount[] {
  const directory = emptyDirectory(pod.startedAt)
  const kubelet = `/var/lib/kubelet/pods/${pod.uid}`
  const file = (text: string): Tree => new Map([['', fileNode(text, pod.startedAt)]])
  return [
    {
      path: 'proc',
      filesystem: 'proc',
      options: 'rw,nosuid,nodev,noexec,relatime',
      from: '/',
      tree: directory,
    },
    { path: 'dev', filesystem: 'tmpfs', options: 'rw,nosuid', from: '/', tree: directory },
    { path: 'dev/pts', filesystem: 'devpts', options: 'rw,nosuid,noexec', from: '/', tree: directory },
    { path: 'dev/shm', filesystem: 'tmpfs', options: 'rw,nosuid,nodev,noexec', from: '/', tree: directory },
    { path: 'sys', filesystem: 'sysfs', options: 'ro,nosuid,nodev,noexec', from: '/', tree: directory },
    { path: 'etc/hosts', ...DISK, from: `${kubelet}/etc-hosts`, tree: file(hosts(pod)) },
    { path: 'dev/termination-log', ...DISK, from: `${kubelet}/containers/termination-log`, tree: file('') },
    { path: 'etc/hostname', ...DISK, from: `${kubelet}/hostname`, tree: file(`${pod.name}\n`) },
    { path: 'etc/resolv.conf', ...DISK, from: `${kubelet}/resolv.conf`, tree: file(RESOLV_CONF) },
    {
      path: 'run/secrets/kubernetes.io/serviceaccount',
      filesystem: 'tmpfs',
      options: 'ro,relatime',
      from: '/',
      tree: serviceAccountVolume(pod.startedAt),
    },
  ]
}

/** The pod's emptyDir over a path. */
export function emptyDirMount(path: BytePath, pod: MountedPod, tree?: Tree): Mount {
  const from = `/var/lib/kubelet/pods/${pod.uid}/volumes/kubernetes.io~empty-dir/${path}`
  return { path, ...DISK, from, tree: tree ?? emptyDirectory(pod.startedAt) }
}

/** What the app keeps in its emptyDir: no part of the container's own filesystem. */
export function cacheVolume(startedAt: Date): Tree {
  return new Overlay(emptyDirectory(startedAt))
    .directory('sessions', startedAt, { uid: 1000, gid: 1000 })
    .file('sessions/0001', '{"cart":[]}\n', later(startedAt, 300), { uid: 1000, gid: 1000 }).tree
}

/** Mount points that the image lacks: the runtime makes them, and they stay in the writable layer as empty stubs. */
export function mountStubs(root: Overlay, mounts: readonly Mount[], at: Date): void {
  for (const { path, tree } of mounts) {
    if (isBelowDev(path) || root.tree.has(path)) continue
    const names = path.split('/')
    names.slice(0, -1).forEach((_name, index) => {
      const parent = names.slice(0, index + 1).join('/')
      if (!root.tree.has(parent)) root.directory(parent, at)
    })
    if (tree.get('')?.kind === 'file') root.file(path, '', at)
    else root.directory(path, at)
  }
}

/** Those lie in the tmpfs over /dev, not in the root. */
function isBelowDev(path: BytePath): boolean {
  return path.startsWith('dev/')
}

function serviceAccountVolume(at: Date): Tree {
  const data = '..2026_11_22_09_00_00.117'
  return new Overlay(emptyDirectory(at))
    .directory(data, at)
    .file(`${data}/namespace`, 'shop', at)
    .file(`${data}/ca.crt`, '-----BEGIN CERTIFICATE-----\nbGFi\n-----END CERTIFICATE-----\n', at)
    .file(
      `${data}/token`,
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDp3ZWIifQ.lab',
      at,
    )
    .symlink('..data', data, at)
    .symlink('namespace', '..data/namespace', at)
    .symlink('ca.crt', '..data/ca.crt', at)
    .symlink('token', '..data/token', at).tree
}

function emptyDirectory(at: Date): Tree {
  return new Map([['', { kind: 'directory', mode: 0o777, uid: 0, gid: 0, mtime: seconds(at) }]])
}

function fileNode(text: string, at: Date): TreeNode {
  return { kind: 'file', content: Buffer.from(text, 'utf8'), mode: 0o644, uid: 0, gid: 0, mtime: seconds(at) }
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000)
}

function hosts({ ip, name }: MountedPod): string {
  return `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${ip}\t${name}\n`
}

const RESOLV_CONF =
  'search shop.svc.cluster.local svc.cluster.local\nnameserver 172.20.0.10\noptions ndots:5\n'
