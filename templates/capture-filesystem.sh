# impound capture-filesystem v1
#
# Runs inside the suspect container as: sh -c TEXT impound. Writes a tar of the container's filesystem to stdout and to
# stderr, in this order: "impound-mount v1 PATH" for every mount point that is left out (as /proc/self/mountinfo escapes
# it), "impound-begin v1 KEY=VALUE ...", what tar complains of, and as the last line
# "impound-trailer v1 bytes=N sha256=HEX tar=EXIT", counted here, so that a stream that lost its end is known.
# Needs a POSIX shell and a tar; without tee, sha256sum, wc or /proc the trailer has "-". Writes nothing into the
# container's filesystem, starts nothing of the suspect's but sh, tar, tee, sha256sum, wc, dd or cat.

LC_ALL=C
export LC_ALL
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd / || exit 125
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
if [ -r /proc/self/mountinfo ]; then
  known=known
  while read -r _ _ _ _ point _; do
    case $point in / | /etc/hosts | /etc/hostname | /etc/resolv.conf) continue ;; esac
    case $newline$mounts in *"$newline$point$newline"*) continue ;; esac
    mounts=$mounts$point$newline
  done </proc/self/mountinfo
else
  for point in /proc /sys /dev; do mounts=$mounts$point$newline; done
fi

help=$(tar --help 2>&1)
xattrs=no exclude=no
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

set -- -c -f -
if has --numeric-owner; then set -- "$@" --numeric-owner; fi
if has "GNU tar" || has --one-file-system; then set -- "$@" --one-file-system; fi
if has --xattrs; then set -- "$@" --format=posix --xattrs; xattrs=yes; fi
if has --sparse; then set -- "$@" --sparse; fi

above=''
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

pack() {
  lead
  tar "$@"
  echo "tar=$?" >&5
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
say "begin v1 mounts=$known xattrs=$xattrs exclude=$exclude counted=$counted"

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

bytes=- sha256=- status=125
for line in $results; do
  case $line in
    bytes=*) bytes=${line#bytes=}; bytes=${bytes##* } ;;
    tar=*) status=${line#tar=} ;;
    *) sha256=${line%%[ -]*} ;;
  esac
done
say "trailer v1 bytes=$bytes sha256=$sha256 tar=$status"
exit "$status"
