import { Flags } from '@oclif/core'

import { DEFAULT_NODE_IMAGE } from '../engine/node-image.js'
import { CONTAINMENT, EVIDENCE, OUTPUT } from './flag-groups.js'
import { duration, size } from './flag-values.js'
import { jsonLinesFlag } from './flags.js'

export const caseFlags = {
  case: Flags.string({
    summary: 'name of the incident; made up if not given',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
  }),
  examiner: Flags.string({ summary: 'who examines, for the record', helpGroup: EVIDENCE, helpValue: 'NAME' }),
  authority: Flags.string({
    summary: 'by whose order, for the record',
    helpGroup: EVIDENCE,
    helpValue: 'TEXT',
  }),
  output: Flags.string({
    char: 'o',
    summary: 'folder for the archive, or - for the archive itself on stdout [default: ./<case>]',
    helpGroup: OUTPUT,
    helpValue: 'DIR',
  }),
  ...jsonLinesFlag,
}

export const nodePodFlags = {
  'node-image': Flags.string({
    summary: 'image of the pod on the node, best by digest; docs/node-pod.md says what it must have',
    helpGroup: EVIDENCE,
    helpValue: 'IMAGE',
    default: DEFAULT_NODE_IMAGE,
    defaultHelp: () => Promise.resolve('debian:bookworm-slim, by digest'),
  }),
  'node-namespace': Flags.string({
    summary: 'namespace of the pod on the node [default: one that is made for it and removed]',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
  }),
}

/** Which registries may be asked, and with whose credentials. */
export const registryFlags = {
  registry: Flags.string({
    summary:
      'registry that may be asked: auto (the well-known ones), never, HOST, or HOST=URL to ask a mirror',
    helpGroup: EVIDENCE,
    helpValue: 'HOST',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'registry-config': Flags.string({
    summary: 'docker configuration with credentials for registries [default: ~/.docker/config.json]',
    helpGroup: EVIDENCE,
    helpValue: 'FILE',
  }),
}

export const twinImageFlag = {
  'twin-image': Flags.string({
    summary: 'image of the twin; it needs sh, timeout, sort, and nc or perl [default: --node-image]',
    helpGroup: CONTAINMENT,
    helpValue: 'IMAGE',
  }),
}

/** For what takes no evidence: it starts what tries the cut, and what contains. */
export const allowContainmentFlags = {
  allow: Flags.string({
    summary:
      'what may be started in the cluster: node (a privileged pod on the suspect’s node), twin (two pods of ours beside the suspect, without rights, for half a minute, to try the cut where no pod on the node can)',
    helpGroup: CONTAINMENT,
    helpValue: 'node,twin',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['node', 'twin'],
  }),
  ...nodePodFlags,
  ...twinImageFlag,
}

/** For commands that start nothing but a pod on the node. */
export const allowNodeFlags = {
  allow: Flags.string({
    summary: 'what may be started in the cluster: node (a privileged pod on the suspect’s node)',
    helpGroup: CONTAINMENT,
    helpValue: 'node',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['node'],
  }),
  ...nodePodFlags,
}

export const evidenceFlags = {
  allow: Flags.string({
    summary:
      'what may be started in the cluster for evidence: exec (processes in the suspect container), ephemeral (a container of ours in the pod, which stays in its spec), node (a privileged pod on its node)',
    helpGroup: EVIDENCE,
    helpValue: 'exec,ephemeral,node',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['exec', 'ephemeral', 'node'],
  }),
  ...nodePodFlags,
  'ephemeral-image': Flags.string({
    summary:
      'image of the ephemeral container; it needs the same as that of the pod on the node [default: --node-image]',
    helpGroup: EVIDENCE,
    helpValue: 'IMAGE',
  }),
  paranoid: Flags.boolean({
    summary:
      'with exec and ephemeral: read every file, also those that seem to be the image’s by their ctime, size and mode',
    helpGroup: EVIDENCE,
  }),
  memory: Flags.string({
    summary:
      'take the memory of this process, by its PID in the container; needs --allow node; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: '[CONTAINER/]PID',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'node-triage': Flags.boolean({
    summary:
      'take what tells whether the node itself was changed: journals, units, cron, SSH keys, static pods; needs --allow node',
    helpGroup: EVIDENCE,
  }),
  checkpoint: Flags.boolean({
    summary:
      'have the node’s runtime checkpoint each running container by CRIU: its processes stand meanwhile, and the node’s disk holds the file until it is taken; needs --allow node',
    helpGroup: EVIDENCE,
  }),
  'max-checkpoint': size({
    summary: 'most bytes of the checkpoint of one container; what would be more is not begun',
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 2 ** 32,
    defaultHelp: () => Promise.resolve('4GiB'),
  }),
  'export-image': Flags.boolean({
    summary: 'keep the images themselves, as an OCI layout that skopeo, podman and umoci read',
    helpGroup: EVIDENCE,
  }),
  skip: Flags.string({
    summary: 'a collector to leave out; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  ...registryFlags,
  'image-archive': Flags.string({
    summary: 'OCI layout or docker-archive to compare with, in place of a registry; may be repeated',
    helpGroup: EVIDENCE,
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'use-pull-secrets': Flags.boolean({
    summary: "read the pod's pull secrets and show them to its registries, where those want credentials",
    helpGroup: EVIDENCE,
  }),
  'max-log': size({
    summary: 'most bytes of one log',
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 2 ** 31,
    defaultHelp: () => Promise.resolve('2GiB'),
  }),
  'max-content': size({
    summary: "most bytes of changed files' content, a container",
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 2 ** 31,
    defaultHelp: () => Promise.resolve('2GiB'),
  }),
  'max-image': size({
    summary: 'most bytes of the layers of one image that is exported',
    helpGroup: EVIDENCE,
    helpValue: 'SIZE',
    default: 10 * 2 ** 30,
    defaultHelp: () => Promise.resolve('10GiB'),
  }),
  'stall-timeout': duration({
    summary: 'a stream that moves no byte for so long is given up',
    helpGroup: EVIDENCE,
    helpValue: 'TIME',
    default: 30_000,
    defaultHelp: () => Promise.resolve('30s'),
  }),
}

/** For commands that take evidence and contain: in place of the flag of the same name. */
export const allowAllFlags = {
  allow: Flags.string({
    summary:
      'what may be started in the cluster: exec (processes in the suspect container), ephemeral (a container of ours in the pod, which stays in its spec), node (a privileged pod on its node), and to try the cut where no pod on the node can, twin (two pods of ours beside the suspect, without rights, for half a minute)',
    helpGroup: EVIDENCE,
    helpValue: 'exec,ephemeral,node,twin',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    options: ['exec', 'ephemeral', 'node', 'twin'],
  }),
  ...twinImageFlag,
}
