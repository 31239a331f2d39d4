# impound capture-filesystem v1
#
# Runs inside the suspect container, or after ephemeral-root.sh in one of ours beside it, as:
#
#   sh -c TEXT impound              a tar of the container's filesystem to stdout
#   sh -c TEXT impound SINCE        where there are GNU find and tar: "impound-list v1", a newline, then records that end in NUL: each mount
#                                   point that is left out (as mountinfo escapes it), an empty one, "TYPE INODE LINKS BLOCKS SIZE MODE UID GID ATIME
#                                   MTIME CTIME ./PATH" of every path (find's letters; of a symlink with its target behind, SIZE bytes), an
#                                   empty one; then a tar of what changed its state (ctime) after SINCE, seconds since 1970. Else as without
#   sh -c TEXT impound fetch PATH…  a tar of these paths, with \0ooo for bytes of them
#
# To stderr, in this order: "impound-mount v1 PATH" for every mount point that is left out, "impound-begin v1 KEY=VALUE ...", what tar and find
# complain of, and as the last line "impound-trailer v1 bytes=N sha256=HEX tar=EXIT", counted here, so that a stream that lost its end is known.
# Needs a POSIX shell and a tar; without tee, sha256sum, wc or /proc the trailer has "-". Writes nothing into the
# container's filesystem, starts nothing of the suspect's but sh, tar, find, tee, sha256sum, wc, dd or cat.

LC_ALL=C
export LC_ALL
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd "${impound_root:-/}/." || exit 125
process=${impound_process:-/proc/self}
set -f
# fd 9 swallows what nobody needs; a container without the device must not get a file of that name
if [ -c /dev/null ]; then exec 9>/dev/null; else exec 9>&2; fi

say() { printf '%s\n' "impound-$*" >&2; }
has() { case $help in *"$1"*) return 0 ;; esac; return 1; }

# decoded: $1 with the octal escapes of mountinfo undone
decode() {
  case $1 in
    *\\*) decoded=$(printf '%b.' "$1"); decoded=${decoded%.} ;;
    *) decoded=$1 ;;
  esac
}

# quoted: $1 with a backslash before every character that means something in a pattern
quote() {
  case $1 in
    *[][\\*?]*) ;;
    *) quoted=$1; return ;;
  esac
  quoted='' rest=$1
  while [ -n "$rest" ]; do
    after=${rest#?} first=${rest%"${rest#?}"}
    case $first in [][\\*?]) first=\\$first ;; esac
    quoted=$quoted$first rest=$after
  done
}

# Everything mounted but the root, and but the three files that runtimes mount and a container can still change
newline='
'
mounts='' known=unknown
if [ -r "$process/mountinfo" ]; then
  known=known
  while read -r _ _ _ _ point _; do
    case $point in / | /etc/hosts | /etc/hostname | /etc/resolv.conf) continue ;; esac
    case $newline$mounts in *"$newline$point$newline"*) continue ;; esac
    mounts=$mounts$point$newline
  done <"$process/mountinfo"
else
  for point in /proc /sys /dev; do mounts=$mounts$point$newline; done
fi

help=$(tar --help 2>&1)
xattrs=no exclude=no mode=whole
if has --xattrs; then xattrs=yes; fi
if [ "${1-}" = fetch ]; then
  mode=fetch
elif [ -n "${1-}" ] && has "GNU tar" && [ "$(find . -maxdepth 0 -newerct @0 -printf ok 2>&9)" = ok ]; then
  mode=list since=$1
fi
# The record of a path, for -printf; split at its blanks
numbers='%y\040%i\040%n\040%b\040%s\040%m\040%U\040%G\040%A@\040%T@\040%C@\040%p'
record="( -type l -printf $numbers%l\0 ) -o -printf $numbers\0"
IFS=$newline
for point in $mounts; do say "mount v1 $point"; done

# A mount within a mount is left out with it
all=$mounts mounts=''
for point in $all; do
  for other in $all; do
    case $point in "$other"/*) continue 2 ;; esac
  done
  mounts=$mounts$point$newline
done

above=''
case $mode in
fetch)
  shift
  count=$#
  while [ "$count" -gt 0 ]; do decode "$1"; shift; set -- "$@" "$decoded"; count=$((count - 1)); done
  if has --no-recursion; then set -- --no-recursion -- "$@"; fi
  if has --sparse; then set -- --sparse "$@"; fi
  if [ $xattrs = yes ]; then set -- --format=posix --xattrs "$@"; fi
  if has --numeric-owner; then set -- --numeric-owner "$@"; fi
  set -- -c -f - "$@"
  ;;
list)
  exclude=yes
  set --
  for point in $mounts; do
    decode "$point"; quote "$decoded"
    set -- "$@" -path ".$quoted" -prune -o
  done
  ;;
whole)
  set -- -c -f -
  if has --numeric-owner; then set -- "$@" --numeric-owner; fi
  if has "GNU tar" || has --one-file-system; then set -- "$@" --one-file-system; fi
  if has --xattrs; then set -- "$@" --format=posix --xattrs; fi
  if has --sparse; then set -- "$@" --sparse; fi

  if has --exclude; then
    exclude=yes
    if has --anchored; then set -- "$@" --anchored; fi
    for point in $mounts; do
      decode "$point"; quote "$decoded"
      set -- "$@" "--exclude=.$quoted"
    done
    set -- "$@" .
  else
    # This tar can't leave anything out (busybox as Debian builds it): it gets the children of every directory that has
    # a mount below it, one by one, and those directories themselves by a second tar that does not descend
    above=.$newline
    for point in $mounts; do
      directory=${point%/*}
      while [ -n "$directory" ]; do
        case $newline$above in *"$newline.$directory$newline"*) break ;; esac
        above=$above.$directory$newline
        directory=${directory%/*}
      done
    done
    for entry in $above; do
      decode "$entry"; directory=$decoded
      set +f; IFS=''
      for child in "$directory"/* "$directory"/.[!.]* "$directory"/..?*; do
        [ -e "$child" ] || [ -L "$child" ] || continue
        listed=yes IFS=$newline
        set -f
        for other in $mounts; do decode "$other"; if [ "$child" = ".$decoded" ]; then listed=no; break; fi; done
        if [ $listed = yes ]; then
          for other in $above; do decode "$other"; if [ "$child" = "$decoded" ]; then listed=no; break; fi; done
        fi
        set +f; IFS=''
        if [ $listed = yes ]; then set -- "$@" "$child"; fi
      done
      set -f; IFS=$newline
    done
  fi
  ;;
esac

# Headers of the directories above mounts: one block each, without an end mark, put before the tar proper
lead() {
  [ -n "$above" ] && has --no-recursion || return 0
  count=0
  set -- -c -f - --no-recursion
  if has --numeric-owner; then set -- "$@" --numeric-owner; fi
  for entry in $above; do
    decode "$entry"
    # A longer name, or one that is gone, would take more blocks, or fewer
    if [ ${#decoded} -lt 98 ] && [ -d "$decoded" ] && [ ! -L "$decoded" ]; then
      set -- "$@" "$decoded"; count=$((count + 1))
    fi
  done
  tar "$@" 2>&9 | dd bs=512 count="$count" 2>&9
}

# Every path but what is mounted, with the tests and the action given
walk() {
  tests=$1 action=$2
  shift 2
  IFS=' '
  find . -xdev "$@" $tests $action
  echo "find=$?" >&5
}

# Two walks: what comes into being between them stands in the second alone
pack() {
  if [ $mode != list ]; then
    lead
    tar "$@"
    echo "tar=$?" >&5
    return
  fi
  printf 'impound-list v1\n'
  for point in $mounts; do printf '%s\0' "$point"; done
  printf '\0'
  walk '' "$record" "$@"
  printf '\0'
  walk "-newerct @$since" -print0 "$@" | {
    set -- -c -f - --format=posix --numeric-owner --sparse
    if [ $xattrs = yes ]; then set -- "$@" --xattrs; fi
    tar "$@" --no-recursion --null -T -
    echo "tar=$?" >&5
  }
}

# Passes stdin on to fd 8 in big pieces: busybox tee makes pieces of 1 KiB, and each would travel as a message of its own
gather() {
  if [ -n "$(command -v dd)" ]; then dd ibs=4096 obs=65536 >&8 2>&9; else cat >&8; fi
}

counted=no
if [ -n "$(command -v tee)" ] && [ -n "$(command -v sha256sum)" ] && [ -n "$(command -v wc)" ] &&
  [ "$( { echo ok | tee /proc/self/fd/4 >&9; } 2>&9 4>&1)" = ok ]; then
  counted=yes
fi
say "begin v1 mounts=$known xattrs=$xattrs exclude=$exclude counted=$counted mode=$mode"

exec 7>&1
if [ $counted = yes ]; then
  # fd 8: stdout of this script; 4 and 6: pipes to digest and count; 5: results. tee opens none but our own pipes by
  # name: the stdout that a runtime made may belong to another user.
  results=$(
    {
      {
        { pack "$@" | tee /proc/self/fd/4 /proc/self/fd/6 | gather; } 4>&1 | sha256sum >&5
      } 6>&1 8>&7 | { printf 'bytes=%s\n' "$(wc -c)"; } >&5
    } 5>&1
  )
else
  results=$( { pack "$@" >&7; } 5>&1)
fi

bytes=- sha256=- status=125 walked=0
for line in $results; do
  case $line in
    bytes=*) bytes=${line#bytes=}; bytes=${bytes##* } ;;
    tar=*) status=${line#tar=} ;;
    find=0) ;;
    find=*) walked=${line#find=} ;;
    *) sha256=${line%%[ -]*} ;;
  esac
done
if [ "$status" = 0 ]; then status=$walked; fi
say "trailer v1 bytes=$bytes sha256=$sha256 tar=$status"
exit "$status"
