const NONCE = '01234567-89ab-cdef-0123-456789abcdef'
const FIRST_PID = 1000
const BATCH = 100
/** What one container's ID is in it. */
export const CONTAINER_ID = 'a'.repeat(64)
const FILES = 6
const SOCKETS = 4

/**
 * Pieces of what templates/processes.sh says of a container with so many processes, each with the files, areas, variables and sockets
 * that an ordinary server has: some 14 KB a process.
 */
export function* captureOf(processes: number): Generator<Buffer, void, undefined> {
  for (const part of parts(processes)) yield Buffer.from(part, 'latin1')
}

function* parts(processes: number): Generator<string, void, undefined> {
  const pids = Array.from({ length: processes }, (_, index) => FIRST_PID + index)
  yield `impound-processes v1 ${NONCE}\n`
  yield words('self 999')
  yield* files('stat', ['.'], () => 'btime 1760000000\n')
  yield words(`container ${CONTAINER_ID} ${pids.join(' ')}`)
  yield words('moved')
  yield words(`pass 1 ${pids.join(' ')}`)
  yield* files('stat status', pids, (pid, name) => (name === 'stat' ? stat(pid) : status(pid)))
  for (const some of batches(pids)) yield words(`links\n${some.map(links).join('')}`) + words('done 0')
  yield* files('net/tcp net/tcp6', pids.slice(0, 1), (_pid, name) => (name === 'net/tcp' ? tcp(pids) : ''))
  yield* files('mountinfo', pids.slice(0, 1), () => '1 0 8:1 / / rw - ext4 /dev/sda rw\n')
  yield* files(
    'cmdline',
    pids,
    (pid) => `/usr/local/bin/server-${pid % 40}\0--listen\x000.0.0.0:${pid}\0--name\0${'n'.repeat(60)}\0`,
  )
  for (const some of batches(pids)) yield words(`identity\n${some.map(identity).join('')}`) + words('done 0')
  yield* files('maps', pids, maps)
  yield* files('environ', pids, environ)
  yield words(`pass 2 ${pids.join(' ')}`)
  yield* files('stat', pids, stat)
  yield words('end')
}

function words(text: string): string {
  return `impound=${NONCE}.d\0${text}\n`
}

function* files(
  names: string,
  of: readonly (number | '.')[],
  content: (pid: number, name: string) => string,
): Generator<string, void, undefined> {
  for (const some of batches(of)) {
    yield words(`read 1048576 ${names}|${some.join(' ')}`)
    for (const one of some)
      for (const name of names.split(' ')) yield `impound=${NONCE}.f\0${content(Number(one) || 0, name)}`
    yield `impound=${NONCE}.f\0`
    yield words('done 0')
  }
}

function* batches<T>(all: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH)
}

function stat(pid: number): string {
  return `${pid} (server-worker-${pid % 10}) S 1 ${pid} ${pid} 0 -1 4194560 1874 0 2 0 31 12 0 0 20 0 9 0 ${100_000 + pid} 743415808 15363 18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`
}

function status(pid: number): string {
  const memory = [
    'VmPeak',
    'VmSize',
    'VmLck',
    'VmPin',
    'VmHWM',
    'VmRSS',
    'RssAnon',
    'RssFile',
    'VmData',
    'VmStk',
    'VmExe',
  ]
  return [
    `Name:\tserver-worker`,
    'Umask:\t0022',
    'State:\tS (sleeping)',
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    'PPid:\t1',
    'TracerPid:\t0',
    'Uid:\t1000\t1000\t1000\t1000',
    'Gid:\t1000\t1000\t1000\t1000',
    'Groups:\t1000 2000 ',
    `NSpid:\t${pid}\t${pid - FIRST_PID + 1}`,
    ...memory.map((name) => `${name}:\t  725992 kB`),
    'SigQ:\t0/95716',
    'CapInh:\t0000000000000000',
    'CapPrm:\t00000000a80425fb',
    'CapEff:\t00000000a80425fb',
    'CapBnd:\t00000000a80425fb',
    'CapAmb:\t0000000000000000',
    'NoNewPrivs:\t0',
    'Seccomp:\t2',
    `Cpus_allowed_list:\t0-${'1'.repeat(500)}`,
    '',
  ].join('\n')
}

function links(pid: number): string {
  const at = `/proc/${pid}`
  const opened = Array.from({ length: FILES }, (_, fd) => [
    `fd/${fd}`,
    `/var/lib/app/data/segment-${pid}-${fd}.log`,
  ])
  const sockets = Array.from({ length: SOCKETS }, (_, n) => [`fd/${FILES + n}`, `socket:[${pid * 10 + n}]`])
  return [
    ['exe', `/usr/local/bin/server-${pid % 40}`],
    ['cwd', '/var/lib/app'],
    ['root', '/'],
    ...['net', 'pid', 'mnt', 'user', 'uts', 'ipc', 'cgroup'].map((kind, n) => [
      `ns/${kind}`,
      `${kind}:[402653${1000 + n}]`,
    ]),
    ...opened,
    ...sockets,
  ]
    .map(([name = '', target = '']) => `"${at}/${name}" -> "${target}"\n`)
    .join('')
}

function identity(pid: number): string {
  const of = (name: string, inode: number): string =>
    `/proc/${pid}/${name} 2049 ${inode} 1 81ed 1234567 1760000000\n`
  return (
    of('exe', pid % 40) +
    of('cwd', 500) +
    of('root', 2) +
    Array.from({ length: FILES }, (_, fd) => of(`fd/${fd}`, pid * 10 + fd)).join('')
  )
}

function maps(pid: number): string {
  const line = (n: number, rights: string, path: string): string =>
    `7f${(pid * 1000 + n).toString(16).padStart(10, '0')}-7f${(pid * 1000 + n + 1).toString(16).padStart(10, '0')} ${rights} 00000000 08:01 1234567                    ${path}\n`
  return [
    ...Array.from({ length: 60 }, (_, n) =>
      line(n, n % 4 === 1 ? 'r-xp' : 'r--p', `/usr/lib/x86_64-linux-gnu/libsomething-${n >> 2}.so.6`),
    ),
    line(60, 'rwxp', ''),
    line(61, 'r-xp', `/usr/lib/x86_64-linux-gnu/libreplaced-by-an-update.so.1 (deleted)`),
    line(62, 'rw-p', '[heap]'),
    line(63, 'rw-p', '[stack]'),
    line(64, 'r-xp', '[vdso]'),
  ].join('')
}

function environ(pid: number): string {
  return [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `HOSTNAME=web-${pid}`,
    ...Array.from(
      { length: 30 },
      (_, n) => `SERVICE_NUMBER_${n}_PORT_8080_TCP_ADDR=10.96.${n}.17:${pid}-with-some-more`,
    ),
    '',
  ].join('\0')
}

function tcp(pids: readonly number[]): string {
  const rows = pids.flatMap((pid, index) =>
    Array.from(
      { length: SOCKETS },
      (_, n) =>
        `${String(index * SOCKETS + n).padStart(4)}: 0100007F:${(1024 + ((index * SOCKETS + n) % 60_000)).toString(16).toUpperCase().padStart(4, '0')} 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1000        0 ${pid * 10 + n} 1 0000000000000000 20 4 30 10 -1\n`,
    ),
  )
  return `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${rows.join('')}`
}
