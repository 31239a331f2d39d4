# impound freeze v1
#
# freeze|check|thaw CONTAINER…
#
# Stops all processes of containers by the freezer of their cgroup, v1 or v2, or lets them go on. Lines: "CONTAINER frozen|thawed|gone".

action=$1
shift
failed=0

# what the node has mounted, which is not ours to write to until our own view of it says so
write_to() {
  printf '%s' "$1" >"$2" 2>/dev/null && return
  mount -o remount,bind,rw "$root" 2>/dev/null && printf '%s' "$1" >"$2"
}

# The outermost cgroup that is named after a container: whoever may make cgroups within it can name one like it. A process's own
# cgroup file shows paths as our cgroup namespace sees them, which is not how the node does.
cgroup_of() {
  find "$1" -type d -name "*$2*" ! -name '*conmon*' 2>/dev/null |
    awk '{ print length($0), $0 }' | sort -n | sed -n '1s/^[0-9]* //p'
}

for container in "$@"; do
  container_init "$container" >/dev/null || {
    echo "$container gone"
    continue
  }
  version=v1 root=/host/sys/fs/cgroup/freezer
  [ -d "$root" ] || version=v2 root=/host/sys/fs/cgroup
  directory=$(cgroup_of "$root" "$container")
  [ -n "$directory" ] || version=none
  case $version in
    v1)
      case $action in
        freeze) write_to FROZEN "$directory/freezer.state" || failed=1 ;;
        thaw) write_to THAWED "$directory/freezer.state" || failed=1 ;;
      esac
      for second in 1 2 3 4 5; do
        state=$(cat "$directory/freezer.state")
        [ "$state" = FREEZING ] || break
        sleep 1
      done
      ;;
    v2)
      case $action in
        freeze) write_to 1 "$directory/cgroup.freeze" || failed=1 ;;
        thaw) write_to 0 "$directory/cgroup.freeze" || failed=1 ;;
      esac
      for second in 1 2 3 4 5; do
        case $(cat "$directory/cgroup.events") in *'frozen 1'*) state=FROZEN ;; *) state=THAWED ;; esac
        [ "$action" = freeze ] && [ $state = THAWED ] || break
        sleep 1
      done
      ;;
    *) state=UNKNOWN ;;
  esac
  case $state in
    FROZEN | FREEZING) echo "$container frozen" ;;
    THAWED) echo "$container thawed" ;;
    *) echo "$container unknown" && failed=1 ;;
  esac
done
exit $failed
