# impound writable-mounts v1
#
# After containers.sh and host-paths.sh, on the node, as: sh -c TEXT impound-writable-mounts ACTION ...
#
#   mounts CONTAINER_ID    "process PID STARTTIME" of its first process, and what that sees mounted: /proc/PID/mountinfo
#   take WHERE DEVICE MODE BYTES ENTRIES
#                          what lies in a place: WHERE is kubelet:PATH for one below pods/ of the kubelet's root, or
#                          PID:STARTTIME:PATH for one below a container's root; DEVICE is the number of the filesystem that it must be on, or "-". To stdout: "impound-mounts v1", "list", a record for
#                          each path as upperdir.sh writes them, at most ENTRIES, an empty one; with MODE=content "content" and a tar of
#                          files and symlinks, executables first, then what changed last, of at most BYTES on the disk; then "end"
#
# Exit status: 3 no such container or place, 5 another filesystem is there by now, 7 the place does not answer. Other filesystems below are not
# entered, nothing but regular files is opened, holes are not read. Needs GNU find, sort, cut, sed, tar and stat, xargs, awk, timeout.

format='%i %h %b %s %f %u %g %t %T %.9X %.9Y %.9Z %n\0'
fail() { status=$1; shift; printf '%s\n' "impound-writable-mounts: $*" >&2; exit "$status"; }

# A kubelet may have another root than its default: what it mounts for pods tells, and what it was started with. One in a container's mount
# namespace is none.
kubelet_roots() {
  {
    awk 'match($5, /\/pods\/[0-9a-f-]+\/volumes\/kubernetes\.io~/) { print substr($5, 1, RSTART - 1) }' "$proc/1/mountinfo"
    own=$(readlink "$proc/1/ns/mnt")
    for comm in "$proc"/[0-9]*/comm; do
      name=
      { read -r name <"$comm"; } 2>/dev/null
      [ "$name" = kubelet ] && [ "$(readlink "${comm%comm}ns/mnt")" = "$own" ] || continue
      head -c 65536 "${comm%comm}cmdline" | tr '\0' '\n' | sed -n -e 's/^--root-dir=//p' -e '/^--root-dir$/{ n; p; }'
    done
  } 2>/dev/null | grep '^/' | grep -v '[\\ ]' | sort -u | head -n 8
}

case $1 in
  mounts)
    init=$(container_init "$2") || fail 3 "no process of the container $2 on this node"
    printf 'process %s\n' "$init"
    cat "$proc/${init% *}/mountinfo" || fail 3 "the container's first process has ended"
    same_process "${init% *}" "${init#* }" || fail 3 "the container's first process has ended"
    exit 0
    ;;
  take) ;;
  *) exit 2 ;;
esac

where=$2 device=$3 mode=$4 limit=$5 entries=$6
case $where in
  kubelet:*)
    place=''
    if host_path "/var/lib/kubelet/pods/${where#kubelet:}"; then place=$found; else
      for root in $(kubelet_roots); do
        if host_path "$root/pods/${where#kubelet:}"; then place=$found && break; fi
      done
    fi
    [ -n "$place" ] || fail 3 "the kubelet has no pods/${where#kubelet:}"
    ;;
  *)
    pid=${where%%:*} rest=${where#*:}
    started=${rest%%:*} point=${rest#*:}
    same_process "$pid" "$started" || fail 3 "the container's first process has ended"
    place=$proc/$pid/root$point
    ;;
esac

# whoever does not answer this will not answer the rest
seen=$(timeout -s KILL 15 stat -L -c %d -- "$place/.") || {
  # not even a look at it may be tried again
  [ $? -lt 124 ] || fail 7 "it does not answer"
  fail 3 "there is no directory ${where#*:}"
}
[ "$device" = - ] || [ "$device" = "$seen" ] || fail 5 "another filesystem is there than was mounted"
cd -P -- "$place" || fail 3 "it can't be entered"
[ "$(stat -c %d .)" = "$seen" ] || fail 5 "another filesystem is there than was mounted"

walk() { timeout -s KILL 300 find . -xdev "$@"; }

printf 'impound-mounts v1\nlist\n'
walk -print0 | head -z -n "$entries" | sort -z | xargs -0 -r stat --printf "$format" --
printf '\0'

if [ "$mode" = content ]; then
  ranked() {
    walk \( -type l -printf '2 %C@ %b %p\0' -o -type f -perm /111 -printf '1 %C@ %b %p\0' -o -type f -printf '0 %C@ %b %p\0' \) |
      head -z -n "$entries" | sort -z -t ' ' -k 1,1nr -k 2,2nr
  }
  fitting=$(ranked | cut -z -d ' ' -f 3 | tr '\0' '\n' | awk -v most="$limit" '
    {
      bytes = $1 * 512
      if (sum + bytes > most) next
      sum += bytes
      if (last && NR == last + 1) { last = NR; next }
      if (last) print first "," last "p"
      first = last = NR
    }
    END { if (last) print first "," last "p" }')
  printf 'content\n'
  ranked | sed -z -n "$fitting" | cut -z -d ' ' -f 4- |
    tar -c -f - -b 20 --format=posix --xattrs '--xattrs-include=*' --sparse --atime-preserve=system --numeric-owner \
      --no-recursion --ignore-failed-read --null --verbatim-files-from -T -
fi
printf 'end\n'
