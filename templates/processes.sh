# impound processes v1
#
# Reads what /proc says of processes and sockets. Runs as: sh -c TEXT impound-processes MODE [ARG...]
#   all [ID...]      every process, twice, and the sockets of each network namespace
#   sockets [ID...]  the same without command lines, environments, maps and the identity of open files
#   copy BYTES PID/exe|PID/fd/N|PID/maps ...    at most BYTES of each of these, between two readings of PID's stat
#   memory PID START-END ...    these areas of its memory (hex, whole pages), each as a piece of a file "mem"
# Without an ID, in a container: of this PID namespace. With IDs of containers, on their node and behind
# templates/node/containers.sh: of those containers.
#
# Writes to stdout a line "impound-processes v1 NONCE" and then pieces, each led by a mark: "impound=NONCE.d" and a zero
# byte before words of this script, "impound=NONCE.f" and a zero byte before the bytes of one file. The latter is the
# environment of the head that reads them all, as /proc/self/environ among its arguments: so one process reads a hundred
# files, their zero bytes survive, and none of them can pass for a mark. Words:
#   self PID                own process       pass N PIDS        container ID PIDS  whose those are
#   moved PIDS              of those, who are in its PID namespace but in no container's cgroup
#   read BYTES FILES|PIDS   these files of each process follow, none longer than BYTES
#   links, identity         lines of stat, of links and of what they lead to
#   done EXIT COMPLAINTS    how the program ended that read them; above 1: the last piece may be cut
#   fds PID                 it has more than are listed         denied PID       its fd can't be listed
#   skipped KIND            given up after too many that hung   end              nothing is missing after this
#   nonce NONCE             that of the marks from here on
# Opens only what is below /proc; needs head and stat (and dd for memory), and a timeout if nothing is to hang. Writes no file.

set -f
# The environment of every head is to be one variable, and a name that no shell knows is passed on by some
words=$(export -p)
newline='
'
IFS=$newline
for line in $words; do
  case $line in 'export '* | 'declare -x '*) ;; *) continue ;; esac
  line=${line#export } line=${line#declare -x } line=${line%%=*}
  case $line in PATH | *[!A-Za-z0-9_]* | [0-9]* | '') ;; *) unset "$line" ;; esac
done
path=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/busybox
unset PATH
PATH=$path tab='	' IFS=' '
if [ -c /dev/null ]; then exec 9>/dev/null; else exec 9>&2; fi
exec 3>&1

fail() { printf '%s\n' "impound: $*" >&2; exit 126; }
new_nonce() {
  nonce=
  { IFS= read -r nonce </proc/sys/kernel/random/uuid; } 2>&9
  case $nonce in *[!0-9a-f-]* | '') fail "/proc has no random uuid" ;; esac
  impound=$nonce.f
  export impound
}
tell() { printf 'impound=%s.d\000%s\n' "$nonce" "$*"; }

# Finds out how a head can be called that has one variable and an end. PATH is not passed on: it is called by its own path.
# Old busybox wants -t before the seconds. Where the environment can't be cleared so, env does it, and its arguments show.
head=$(command -v head) stat=$(command -v stat) dd=$(command -v dd)
begin() {
  new_nonce
  printf 'impound-processes v1 %s\n' "$nonce"
  clear=
  {
    if works timeout 2; then batch='timeout 2' single='timeout 1' long='timeout 60'
    elif works timeout -t 2; then batch='timeout -t 2' single='timeout -t 1' long='timeout -t 60'
    elif clear="env -i impound=$impound" && works timeout 2; then batch='timeout 2' single='timeout 1' long='timeout 60'
    elif clear= && works; then batch='' single='' long=''
    else nonce=; fi
  } 2>&9
  if [ -z "$nonce" ]; then fail 'no head that works here'; fi
}
works() { [ "$("$@" $clear "$head" -q -c 4096 /proc/self/environ)" = "impound=$impound" ]; }

# What was started so far may live on, with the old nonce in its environment: it must not pass for a mark when that is read
renew() {
  before=$nonce
  new_nonce
  case $clear in *impound=*) clear="env -i impound=$impound" ;; esac
  printf 'impound=%s.d\000nonce %s\n' "$before" "$nonce"
}

hung=0
is_hung() { [ "$1" -gt 123 ] && [ -n "$batch" ]; }

# read_files LIMITER BYTES FILES PIDS: one head over all of them
read_files() {
  list=
  for at in $4; do
    for name in $3; do list="$list /proc/self/environ /proc/$at/$name"; done
  done
  tell "read $2 $3|$4"
  words=$($1 $clear "$head" -q -c "$2" $list /proc/self/environ 2>&1 >&3)
  status=$?
  tell "done $status $words"
}

# take KIND BYTES FILES PIDS: in batches; where one hangs its processes one by one, and no more after the fifth that does
take() {
  hung=0 batched= count=0
  for pid in $4 -; do
    if [ "$pid" != - ]; then batched="$batched $pid"; count=$((count + 1)); fi
    if [ $count -lt 100 ] && [ "$pid" != - ] || [ $count = 0 ]; then continue; fi
    read_files "$batch" "$2" "$3" "$batched"
    if is_hung $status; then
      for slow in $batched; do
        read_files "$single" "$2" "$3" "$slow"
        if is_hung $status; then hung=$((hung + 1)); fi
        if [ $hung -ge 5 ]; then tell "skipped $1"; return; fi
      done
    fi
    batched= count=0
  done
}

# look KIND: stat of the links in $list, or with identity of what they lead to, which may hang
look() {
  [ -n "$list" ] || return 0
  tell "$1"
  case $1 in
    links) words=$(QUOTING_STYLE=c $batch $stat -c %N $list 2>&1 >&3) ;;
    *) words=$($batch $stat -L -c '%n %d %i %h %f %s %Y' $list 2>&1 >&3) ;;
  esac
  status=$?
  tell "done $status $words"
  if is_hung $status && [ "$1" = identity ]; then
    for link in $list; do
      tell "$1"
      words=$($single $stat -L -c '%n %d %i %h %f %s %Y' "$link" 2>&1 >&3)
      status=$?
      tell "done $status $words"
      if is_hung $status; then hung=$((hung + 1)); fi
      if [ $hung -ge 5 ]; then tell "skipped $1"; break; fi
    done
  fi
  list=
}

# look_at KIND NAMES PIDS: those links of each process, and its descriptors
look_at() {
  list='' hung=0
  for pid in $3; do
    for name in $2; do list="$list /proc/$pid/$name"; done
    set +f
    descriptors=
    for link in /proc/$pid/fd/*; do descriptors="$descriptors $link"; if [ ${#descriptors} -gt 60000 ]; then break; fi; done
    set -f
    case $descriptors in
      *'*') if [ "$1" = links ] && [ -d "/proc/$pid/fd" ] && [ ! -r "/proc/$pid/fd" ]; then tell "denied $pid"; fi ;;
      *)
        if [ ${#descriptors} -gt 60000 ] && [ "$1" = links ]; then tell "fds $pid"; fi
        list="$list$descriptors"
        ;;
    esac
    if [ ${#list} -gt 30000 ]; then look "$1"; fi
    if [ $hung -ge 5 ]; then return; fi
  done
  look "$1"
}

# every_pid [ID...]: into $pids
every_pid() {
  pids=
  if [ $# = 0 ]; then
    set +f
    for directory in /proc/[0-9]*; do pids="$pids ${directory#/proc/}"; done
    set -f
  fi
  for id; do
    lines=$(set +f; IFS=" $tab$newline"; container_processes "$id" 2>&9)
    IFS=$newline
    theirs= moved=
    for line in $lines; do
      theirs="$theirs ${line%% *}"
      case $line in *pidns) moved="$moved ${line%% *}" ;; esac
    done
    IFS=' '
    tell "container $id$theirs"
    tell "moved$moved"
    pids="$pids$theirs"
  done
}

# one_of_each KIND PIDS: the first process of each namespace of that kind
one_of_each() {
  list='' seen=' ' firsts=
  for pid in $2 -; do
    if [ "$pid" != - ]; then list="$list /proc/$pid/ns/$1"; fi
    if [ ${#list} -lt 60000 ] && [ "$pid" != - ]; then continue; fi
    lines=$($stat -c %N $list 2>&9)
    IFS=$newline
    for line in $lines; do
      case $line in *$1:\[*) ;; *) continue ;; esac
      space=${line##*\[} space=${space%%\]*}
      case $seen in *" $space "*) continue ;; esac
      seen="$seen$space "
      line=${line#?/proc/}
      firsts="$firsts ${line%%/*}"
    done
    IFS=' '
    list=
  done
  if [ -z "$firsts" ]; then firsts=self; fi
}

# of PIDS: what this mode wants of them, what can't hang first
of() {
  take facts 65536 'stat status' "$1"
  look_at links 'exe cwd root ns/net ns/pid ns/mnt ns/user ns/uts ns/ipc ns/cgroup' "$1"
  one_of_each net "$1"
  take sockets 16777216 'net/tcp net/tcp6 net/udp net/udp6 net/raw net/raw6 net/packet net/unix' "$firsts"
  [ $mode = all ] || return 0
  one_of_each mnt "$1"
  take mounts 1048576 mountinfo "$firsts"
  take cmdline 65536 cmdline "$1"
  look_at identity 'exe cwd root' "$1"
  take maps 1048576 maps "$1"
  take environ 65536 environ "$1"
}

mode=$1
shift
case $mode in
  all | sockets)
    # Before anything is started here, so that none of it is among them
    own=
    if [ $# = 0 ]; then every_pid; own=$pids; fi
    begin
    tell "self $$"
    read_files "$batch" 1048576 'stat uptime' .
    if [ -n "$own" ]; then pids=$own; else every_pid "$@"; fi
    first="$pids "
    tell "pass 1$pids"
    of "$pids"
    every_pid "$@"
    tell "pass 2$pids"
    take facts 65536 stat "$pids"
    appeared=
    for pid in $pids; do case $first in *" $pid "*) ;; *) appeared="$appeared $pid" ;; esac; done
    if [ -n "$appeared" ]; then
      renew
      of "$appeared"
    fi
    ;;
  copy)
    begin
    bytes=$1
    shift
    for wanted; do read_files "$long" "$bytes" "stat ${wanted#*/} stat" "${wanted%%/*}"; done
    ;;
  memory)
    begin
    pid=$1
    shift
    read_files "$batch" 65536 stat "$pid"
    for range; do
      from=$((0x${range%-*} / 4096)) count=$(((0x${range#*-} - 0x${range%-*}) / 4096))
      tell "read $((count * 4096)) mem|$pid"
      printf 'impound=%s.f\000' "$nonce"
      # Its words are counts; what could not be read shows by what is missing
      $long $dd if="/proc/$pid/mem" bs=4096 skip="$from" count="$count" >&3 2>&9
      status=$?
      printf 'impound=%s.f\000' "$nonce"
      tell "done $status"
    done
    read_files "$batch" 65536 stat "$pid"
    ;;
  *) fail "no such mode: $mode" ;;
esac
tell end
