# impound upperdir v1
#
# After containers.sh, in the pod of ours on the node, as: sh -c TEXT impound-upperdir CONTAINER_ID BUDGET [lower], or, of a container that has ended
# and so has no mount any more, as: ... dead BUDGET lower|- UPPERDIR LOWERDIR[:LOWERDIR...]. Reads what a container
# wrote into its filesystem: the upper directory of its overlay, as the node's kernel has it. Nothing of the container's is started,
# nothing is written on the node. To stdout, all of it sorted by the bytes of the path:
#
#   "impound-upperdir v1", lines of "fact KEY VALUE" and "mount LINE" (of the container's mountinfo), "list"
#   a record for each path: inode, links, blocks of 512, size, mode (hex), uid, gid, device (hex major and minor), atime, mtime,
#     ctime, "./path", separated by a blank and ended by NUL; an empty one ends the list
#   with "lower", what the layers below have: "lower", a list of what lies below deleted and replaced directories, and a tar
#     of the paths that upper has too; "no-lower WHY" where they can't be put together
#   where the contents of files are more than BUDGET bytes "hashes", "SHA-256  ./path" ended by NUL of each file that is left out of
#     the tar for that, and an empty one: executables, then the newest files (by ctime) are not left out
#   "upper", a tar of everything else (without times: the list has them), "list" and the same list again: what differs changed
#     meanwhile, and "end" with the status of each program
#
# Exit status: 3 no such container, 4 its root is no overlay with an upper directory, 5 the upper directory can't be found, or is
# not the one that the kernel uses, 6 tools are missing. Needs GNU find, sort, tar, stat and sha256sum, xargs, timeout, awk, and
# mount for "lower".

host=${IMPOUND_HOST-/host}
id=$1 budget=${2:-0} lower=${3:-}
format='%i %h %b %s %f %u %g %t %T %.9X %.9Y %.9Z %n\0'

fail() { status=$1; shift; printf '%s\n' "impound-upperdir: $*" >&2; exit "$status"; }

for tool in find sort tar stat sha256sum timeout xargs awk; do
  command -v $tool >/dev/null || fail 6 "this image has no $tool"
done
case $(tar --version) in *"GNU tar"*) ;; *) fail 6 "the tar of this image is not GNU tar" ;; esac

# unescaped: $1 with the octal escapes of mountinfo undone, and nothing else that printf would take for one
unescape() {
  case $1 in
    *\\*) unescaped=$(printf '%b.' "$(printf '%s.' "$1" | sed 's/\\\([0-3][0-7][0-7]\)/\\0\1/g')") unescaped=${unescaped%..} ;;
    *) unescaped=$1 ;;
  esac
}

# resolved: a path of the host, below $host, with its symlinks followed as the host would; fails where it can't be
resolve() {
  todo=$1/ resolved=$host turns=0
  while [ -n "$todo" ]; do
    part=${todo%%/*} todo=${todo#*/}
    case $part in
      '' | .) continue ;;
      ..) if [ "$resolved" != "$host" ]; then resolved=${resolved%/*}; fi; continue ;;
    esac
    if [ -L "$resolved/$part" ]; then
      turns=$((turns + 1))
      [ $turns -le 40 ] || return 1
      link=$(readlink -n -- "$resolved/$part" && echo .) || return 1
      link=${link%.}
      case $link in /*) resolved=$host ;; esac
      todo=$link/$todo
    else
      resolved=$resolved/$part
    fi
  done
  [ -d "$resolved" ]
}

# The last line of a mountinfo that is mounted on /: later mounts cover earlier ones
find_root() {
  root_line=''
  while IFS= read -r line; do
    set -f
    set -- $line
    set +f
    if [ "$5" = / ]; then root_line=$line; fi
  done <"$proc/$pid/mountinfo"
}

if [ "$id" = dead ]; then
  pid=0 started=0 upper_option=$4 lower_option=$5 userxattr=no
  resolve "$upper_option" || fail 3 "the node has no directory $upper_option any more"
  upper=$resolved base=${upper_option%/*/*}
else

init=$(container_init "$id") || fail 3 "no process of the container $id on this node"
pid=${init% *} started=${init#* }
find_root
[ -n "$root_line" ] || fail 3 "the container's first process has no root mount: it may have ended"

super=${root_line#* - }
type=${super%% *}
case $type in
  overlay) ;;
  *) fail 4 "the container's root is $type, not an overlay" ;;
esac
options=${super##* }
upper_option='' lower_option='' userxattr=no
IFS_BEFORE=$IFS
IFS=,
set -f
for option in $options; do
  case $option in
    upperdir=*) upper_option=${option#upperdir=} ;;
    lowerdir=*) lower_option=${option#lowerdir=} ;;
    lowerdir+=*) lower_option=$lower_option${lower_option:+:}${option#lowerdir+=} ;;
    userxattr) userxattr=yes ;;
  esac
done
set +f
IFS=$IFS_BEFORE
case ,$options, in
  *,lowerdir=*,* | *,lowerdir+=*,*) ;;
  *) fail 5 "the overlay's options are cut: they name no lowerdir" ;;
esac
case ,$options, in
  *,upperdir=*,*) ;;
  *,workdir=*,*) fail 5 "the overlay's options are cut: they name a workdir, and no upperdir" ;;
  *) fail 4 "the container's root is an overlay without an upper directory: it is read-only" ;;
esac
case ,$options, in
  *,workdir=*,*) ;;
  *) fail 5 "the overlay's options are cut: they name no workdir" ;;
esac

# The kernel shows the times of the upper directory's root as those of the overlay's root. While somebody writes there they move:
# between two looks at the one lies the look at the other.
is_upper() {
  before=$(stat -L -c '%f %.9Z' -- "$1/") && seen=$(stat -L -c '%f %.9Z' -- "$proc/$pid/root/") &&
    after=$(stat -L -c '%f %.9Z' -- "$1/") && printf '%s\n' "$before" "$seen" "$after" | sort -c 2>/dev/null
}

unescape "$upper_option"
upper_path=$unescaped
# Runtimes change into a directory and mount with paths relative to it where absolute ones would be longer than a page
case $upper_path in
  /*) candidates=/ ;;
  *)
    candidates="/var/lib/docker/overlay2
/var/lib/containers/storage/overlay
/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
/var/lib/rancher/k3s/agent/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"
    ;;
esac
upper='' base=''
IFS='
'
for candidate in $candidates; do
  if resolve "$candidate/$upper_path" && is_upper "$resolved"; then
    upper=$resolved base=$candidate
    break
  fi
done
IFS=$IFS_BEFORE
[ -n "$upper" ] || fail 5 "the upper directory $upper_option is not where the mount says, or not the one that is mounted"
case $upper_path in /*) base=${upper_path%/*/*} ;; esac
fi

# CAP_SYS_ADMIN is bit 21; it must count in the namespace that the disk belongs to
capable=no
effective=$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
case $effective in
  *[2367abefABEF]?????) if [ "$(awk 'NR == 1 { print $1, $2 }' /proc/self/uid_map)" = '0 0' ]; then capable=yes; fi ;;
esac

printf 'impound-upperdir v1\nfact pid %s\nfact starttime %s\nfact upper %s\nfact kernel %s\n' \
  "$pid" "$started" "$upper_option" "$(uname -r)"
printf 'fact userxattr %s\nfact sysadmin %s\nfact tar %s\n' $userxattr $capable "$(tar --version | head -n 1)"
if [ "$id" = dead ]; then
  printf 'fact uid_map 0 0 4294967295\nfact gid_map 0 0 4294967295\n'
else
for map in uid_map gid_map; do
  while read -r inside outside count; do printf 'fact %s %s %s %s\n' $map "$inside" "$outside" "$count"; done <"$proc/$pid/$map"
done
while IFS= read -r line; do printf 'mount %s\n' "$line"; done <"$proc/$pid/mountinfo"
fi

cd -- "$upper" || fail 5 "the upper directory can't be entered"
exec 7>&1

# What ends with which status goes to fd 5
paths() {
  find . -xdev "$@" -print0
  echo "find=$?" >&5
}
sorted() { paths "$@" | sort -z; }
describe() {
  xargs -0 -r stat --printf "$format" --
  echo "stat=$?" >&5
  printf '\0'
}
list() {
  printf 'list\n'
  sorted | describe
}
pack() {
  tar -c -f - -b 20 --format=posix --pax-option=delete=atime,delete=ctime,delete=mtime --xattrs '--xattrs-include=*' \
    --sparse --atime-preserve=system --numeric-owner --no-recursion --null --verbatim-files-from --ignore-failed-read "$@" -T -
  echo "tar=$?" >&5
}

# Puts the layers below together again at $view/view, by the kernel, which knows what hides what. Sets why where it can't.
# Short names, for the options of a mount must fit a page.
mount_lower() {
  why='' number=0 stack='' rest=$lower_option
  view=$(mktemp -d) && mount -t tmpfs -o size=64m,mode=0700 impound "$view" && mkdir "$view/empty" "$view/view" || {
    why="a place in memory for them could not be made"
    return
  }
  while [ -n "$rest" ]; do
    layer=${rest%%:*} rest=${rest#"${rest%%:*}"} rest=${rest#:}
    # '\:' is a colon of the name itself
    while [ "${layer%\\134}" != "$layer" ]; do
      layer=${layer%\\134}:${rest%%:*} rest=${rest#"${rest%%:*}"} rest=${rest#:}
    done
    [ -n "$layer" ] || continue
    unescape "$layer"
    case $unescaped in /*) found=$unescaped ;; *) found=$base/$unescaped ;; esac
    resolve "$found" || { why="the layer $layer is not where the mount says"; return; }
    number=$((number + 1))
    ln -s "$resolved" "$view/$number"
    stack=$stack$number:
  done
  (cd "$view" && mount -t overlay -o "ro,lowerdir=${stack}empty" impound view) ||
    why="the $number layers could not be mounted together"
}

# Directories that are marked as opaque; the marks are read by tar, for getfattr is seldom at hand
opaque() {
  sorted -type d >"$view/directories"
  tar -c -f - --format=posix --xattrs '--xattrs-include=*.overlay.opaque' --no-recursion --null --verbatim-files-from \
    -T "$view/directories" | tar -t -vv --xattrs '--xattrs-include=*' --quoting-style=escape -f - |
    awk '/^d/ { count++ } /^  x: *[0-9]+ (trusted|user)\.overlay\.opaque$/ { print count "p" }' >"$view/marked"
  sed -z -n -f "$view/marked" "$view/directories"
}

below() {
  xargs -0 -r sh -c 'for path; do
    if [ -d "$path" ] && [ ! -L "$path" ]; then find "$path" -mindepth 1 -xdev -print0; fi
  done' sh
}

lower() {
  mount_lower
  if [ -z "$why" ]; then
    printf 'lower\nlist\n'
    { paths ! -type d; opaque; } | (cd "$view/view" && below | sort -z -u | describe)
    sorted | (cd "$view/view" && pack --warning=no-failed-read)
    umount "$view/view"
  else
    printf 'no-lower %s\n' "$why"
  fi
  if [ -n "$view" ]; then umount "$view"; rmdir "$view"; fi
}

# Sets newer and class: of executables (class 1) or of the rest (0) what changed after that time still fits the budget, and all of
# class 1 where class is 0. Nothing where all fits.
choose() {
  cutoff=$(
    find . -xdev -type f -printf '%m %C@ %b %s\n' |
      awk -v budget="$budget" '{
        stored = ($3 * 512 < $4 + 0) ? $3 * 512 : $4
        print (($1 ~ /[1357]/) ? 1 : 0), $2, stored, (($4 >= budget + 0) ? 1 : 0)
      }' |
      sort -k1,1nr -k2,2nr |
      awk -v budget="$budget" '
        { total += $3 }
        !$4 { fits += $3; if (fits > budget + 0 && cut == "") cut = $1 " " $2 }
        END { if (total > budget + 0) print (cut == "") ? "0 0" : cut }
      '
  )
  class=${cutoff% *} newer=${cutoff#* }
}

# What find is to find: the paths that are packed, and the files that are only hashed
packed() {
  case $class in
    '') sorted ;;
    1) sorted \( ! -type f -o -size "-${budget}c" -perm /111 -newerct "@$newer" \) ;;
    0) sorted \( ! -type f -o -size "-${budget}c" \( -perm /111 -o -newerct "@$newer" \) \) ;;
  esac
}
left_out() {
  case $class in
    1) sorted -type f ! \( -size "-${budget}c" -perm /111 -newerct "@$newer" \) ;;
    0) sorted -type f ! \( -size "-${budget}c" \( -perm /111 -o -newerct "@$newer" \) \) ;;
  esac
}

# Of what has no end in sight, what two minutes are enough for: a file with holes costs its owner nothing
hashes() {
  printf 'hashes\n'
  left_out | timeout 120 xargs -0 -r sha256sum -z --
  echo "sha256sum=$?" >&5
  printf '\0'
}

results=$(
  {
    list
    if [ "$lower" = lower ]; then lower; fi
    choose
    if [ -n "$class" ]; then hashes; fi
    printf 'upper\n'
    packed | pack
    list
  } 5>&1 >&7
)
if [ "$id" = dead ]; then alive=before
elif same_process "$pid" "$started"; then alive=yes
else alive=no; fi
printf 'end %s alive=%s\n' "$(echo $results)" $alive
