/**
 * Scripts that run in containers and on nodes: files of templates/, put together in this order. What looks for a container's processes begins
 * with containers.sh.
 */
export const SCRIPT_FILES = {
  captureFilesystem: ['capture-filesystem.sh'],
  ephemeralFilesystem: ['node/containers.sh', 'ephemeral-root.sh', 'capture-filesystem.sh'],
  dropConnections: ['node/containers.sh', 'node/drop-connections.sh'],
  freeze: ['node/containers.sh', 'node/freeze.sh'],
  nodeFrame: ['node/frame.sh'],
  nodeFacts: ['node/facts.sh'],
  probeNetwork: ['node/containers.sh', 'tcp.sh', 'node/probe-network.sh'],
  twin: ['tcp.sh', 'twin.sh'],
  upperdir: ['node/containers.sh', 'node/upperdir.sh'],
  captureMount: ['capture-mount.sh'],
  writableMounts: ['node/containers.sh', 'node/host-paths.sh', 'node/writable-mounts.sh'],
  deadContainers: ['node/containers.sh', 'node/host-paths.sh', 'node/dead-containers.sh'],
  checkpoint: ['node/containers.sh', 'node/host-paths.sh', 'node/checkpoint.sh'],
  nodeTriage: ['node/containers.sh', 'node/host-paths.sh', 'node/triage.sh'],
  podLogs: ['node/containers.sh', 'node/host-paths.sh', 'node/pod-logs.sh'],
  processes: ['processes.sh'],
  nodeProcesses: ['node/containers.sh', 'processes.sh'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** The text of each script. */
export type Scripts = Readonly<Record<keyof typeof SCRIPT_FILES, string>>
