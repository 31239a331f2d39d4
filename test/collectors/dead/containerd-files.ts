import { boltFile, type BoltTree } from '../../formats/bolt-file.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

export const APP = 'a'.repeat(64)
export const WEB_2 = 'b'.repeat(64)

/** Labels and where its snapshot is, as containerd 1.x and 2.x keep them of a container that the kubelet made. */
function container(podUid: string, name: string, key: string, more: Readonly<Record<string, string>> = {}) {
  return {
    image: bytes('registry.example/app:1'),
    snapshotter: bytes(more['snapshotter'] ?? 'overlayfs'),
    snapshotKey: bytes(key),
    labels: {
      'io.cri-containerd.kind': bytes(more['kind'] ?? 'container'),
      'io.kubernetes.container.name': bytes(name),
      'io.kubernetes.pod.uid': bytes(podUid),
    },
  }
}

/**
 * meta.db and metadata.db of a containerd with two containers of a pod: "app" with the layers 7 and 300, "web-2" of another snapshotter;
 * the pod's sandbox, and another pod's container.
 */
export function containerdFiles(podUid: string): { readonly meta: Buffer; readonly snapshots: Buffer } {
  const meta: BoltTree = {
    v1: {
      version: bytes('\x06'),
      'k8s.io': {
        containers: {
          [APP]: container(podUid, 'app', APP),
          [WEB_2]: container(podUid, 'web-2', WEB_2, { snapshotter: 'stargz' }),
          ['c'.repeat(64)]: container(podUid, '', 'c', { kind: 'sandbox' }),
          ['d'.repeat(64)]: container('another', 'app', 'd'),
        },
        snapshots: {
          overlayfs: {
            [APP]: { name: bytes(`k8s.io/9/${APP}`), parent: bytes('sha256:1') },
            'sha256:1': { name: bytes('k8s.io/2/sha256:1') },
          },
        },
      },
    },
  }
  const snapshots: BoltTree = {
    v1: {
      parents: {},
      snapshots: {
        [`k8s.io/9/${APP}`]: { id: Buffer.of(7), kind: Buffer.of(2), parent: bytes('k8s.io/2/sha256:1') },
        // 300 as Go's PutUvarint writes it
        'k8s.io/2/sha256:1': { id: Buffer.of(0xac, 0x02), kind: Buffer.of(3) },
      },
    },
  }
  return { meta: boltFile(meta, { perLeaf: 2 }), snapshots: boltFile(snapshots, { inline: 0 }) }
}
