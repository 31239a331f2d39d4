import type { Layer } from '../files/tree.js'
import type { Architecture } from './draft.js'
import { elfBytes, LayerDraft } from './draft.js'

const IN_BIN =
  'ash base64 cat chmod chown cp date dd df dmesg echo egrep false fgrep grep gunzip gzip hostname kill ln ls mkdir mknod mktemp more mount mv netstat nice pidof ping ps pwd rm rmdir sed sh sleep stat stty su sync tar touch true umount uname usleep watch zcat'
const IN_USR_BIN =
  'awk basename bunzip2 cmp comm crontab cut diff dirname du env expand expr find fold free head hexdump id install killall less logger md5sum nc nohup nslookup od paste pgrep pkill printf readlink realpath seq sha256sum sort split strings tail tee test timeout top tr traceroute tty uniq unzip uptime wc wget which who xargs yes'
const ZONES =
  'Africa/Cairo Africa/Lagos America/Bogota America/Chicago America/New_York America/Sao_Paulo Asia/Kolkata Asia/Shanghai Asia/Tokyo Australia/Sydney Europe/Berlin Europe/London Europe/Madrid Europe/Paris Europe/Warsaw Europe/Zurich Pacific/Auckland UTC'

/** A small musl and busybox system, as distributions make them for containers. */
export function baseLayer(architecture: Architecture): Layer {
  const draft = new LayerDraft()
  for (const directory of 'dev home mnt opt proc run srv sys media'.split(' ')) draft.directory(directory)
  draft
    .directory('tmp', { mode: 0o1777 })
    .directory('var/tmp', { mode: 0o1777 })
    .directory('root', { mode: 0o700 })
    .directory('etc/crontabs')
    .directory('var/log')
    .directory('var/spool/cron')
    .symlink('var/spool/cron/crontabs', '/etc/crontabs')
    .symlink('var/run', '/run')
    .file('etc/crontabs/root', '*/15 * * * * run-parts /etc/periodic/15min\n', { mode: 0o600 })
    .file('etc/hostname', 'localhost\n')
    .file('etc/hosts', '127.0.0.1 localhost localhost.localdomain\n::1 localhost localhost.localdomain\n')
    .file('etc/passwd', PASSWD)
    .file('etc/group', GROUP)
    .file('etc/shadow', 'root:*::0:::::\nbin:!::0:::::\nnobody:!::0:::::\n', { mode: 0o640, gid: 42 })
    .file(
      'etc/profile',
      'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\numask 022\n',
    )
    .file('etc/os-release', 'NAME="Shop Base Linux"\nID=shopbase\nVERSION_ID=3.21.3\n')
    .symlink('etc/localtime', '/usr/share/zoneinfo/UTC')
    .file('usr/lib/libcrypto.so.3', elfBytes('libcrypto', 48_000, architecture), { mode: 0o755 })
    .file('lib/ld-musl.so.1', elfBytes('ld-musl', 24_000, architecture), { mode: 0o755 })
    .symlink('lib/libc.so', 'ld-musl.so.1')
  busybox(draft, architecture)
  zoneinfo(draft)
  documentation(draft)
  return draft.layer()
}

function busybox(draft: LayerDraft, architecture: Architecture): void {
  draft
    .file('bin/busybox', elfBytes('busybox', 64_000, architecture), { mode: 0o755 })
    .hardlink('bin/busybox.nosuid', 'bin/busybox', { mode: 0o755 })
    .file('bin/bbsuid', elfBytes('bbsuid', 6_000, architecture), { mode: 0o4755 })
  for (const applet of IN_BIN.split(' ')) draft.symlink(`bin/${applet}`, '/bin/busybox')
  for (const applet of IN_USR_BIN.split(' ')) draft.symlink(`usr/bin/${applet}`, '/bin/busybox')
}

function zoneinfo(draft: LayerDraft): void {
  for (const zone of ZONES.split(' ')) {
    draft.file(`usr/share/zoneinfo/${zone}`, `TZif2\0\0\0\0${zone.padEnd(60, '\0')}`)
  }
}

/** Small files that a later layer hides with an opaque mark and with whiteouts. */
function documentation(draft: LayerDraft): void {
  for (let page = 1; page <= 24; page += 1) {
    draft.file(`usr/share/doc/busybox/page-${String(page).padStart(2, '0')}.txt`, `busybox, page ${page}\n`)
  }
  draft.file('var/cache/apk/APKINDEX.tar.gz', elfBytes('apkindex', 4_000, 'amd64'))
  draft.file('etc/apk/world', 'busybox\nmusl\n')
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
app:x:1000:1000:app:/app:/bin/sh
postgres:x:70:70:postgres:/var/lib/postgresql:/bin/sh
nobody:x:65534:65534:nobody:/:/sbin/nologin
`

const GROUP = `root:x:0:root
bin:x:1:root,bin
shadow:x:42:
app:x:1000:
postgres:x:70:
nobody:x:65534:
`
