# impound pod-logs v1
#
# After containers.sh and host-paths.sh, on the node, as: sh -c TEXT impound-pod-logs ACTION NAMESPACE POD UID [NAME...]. The log files of a
# pod as the kubelet keeps them, of all its containers, rotated ones too. To stdout:
#
#   list   an entry each, ended by NUL: TYPE INODE LINKS BLOCKS SIZE MODE UID GID ATIME MTIME CTIME NAME, the name below the pod's
#          directory; of a symlink, TAB and what it says. Nothing is followed. The first has the directory's own name in it.
#   read   a tar of the named files, in that order, in whole records of 64 KiB; what is no regular file any more is passed over and named
#          on stderr. Then the list again, as it is by then
#
# Exit status: 3 no log directory of this pod. With - for NAMESPACE and POD the directory is found by the UID alone. Needs GNU find and
# GNU tar. Nothing is written on the node, not even access times.

action=$1 namespace=$2 pod=$3 uid=$4
shift 4

# what a UID is not made of could lead elsewhere, or match others
case $uid in '' | *[!0-9A-Za-z-]*) printf '%s\n' 'impound-pod-logs: that is no UID' >&2; exit 2 ;; esac

logs=''
if host_path /var/log/pods; then
  if [ "$namespace" = - ]; then
    for each in "$found"/*_"$uid"; do [ -d "$each" ] && logs=$each; done
  else
    logs=$found/${namespace}_${pod}_$uid
  fi
fi
if [ -z "$logs" ] || [ ! -d "$logs" ] || [ -L "$logs" ]; then
  printf '%s\n' "impound-pod-logs: the node has no directory of this pod below /var/log/pods" >&2
  exit 3
fi
cd -- "$logs" || exit 3

list() {
  printf 'd 0 0 0 0 0 0 0 0 0 0 %s\0' "${logs##*/}"
  find . -mindepth 1 -maxdepth 2 -xdev \( -type l -printf '%y %i %n %b %s %m %U %G %A@ %T@ %C@ %P\t%l\0' -o \
    -printf '%y %i %n %b %s %m %U %G %A@ %T@ %C@ %P\0' \)
}

case $action in
  list) list ;;
  read)
    for name; do
      if [ -f "$name" ] && [ ! -L "$name" ] && [ ! -L "${name%/*}" ]; then printf '%s\0' "./$name"
      else printf '%s\n' "gone: $name" >&2; fi
    done | tar -c -f - -b 128 --format=posix --numeric-owner --atime-preserve=system --no-recursion --ignore-failed-read \
      --null --verbatim-files-from -T -
    status=$?
    list
    exit $status
    ;;
  *) exit 2 ;;
esac
