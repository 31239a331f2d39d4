# impound host-paths v1
#
# After containers.sh, where a script follows paths of the host. The host's root is at $host; a symlink of the host that names an absolute path
# means one below it, so that the kernel can't be left to follow it.
#
#   host_path PATH    sets found to where PATH of the host is here; fails where a part of it is missing

host=${IMPOUND_HOST-/host}

host_path() {
  ahead=$1/ found=$host links=0
  while [ -n "$ahead" ]; do
    step=${ahead%%/*} ahead=${ahead#*/}
    case $step in
      '' | .) continue ;;
      ..) [ "$found" = "$host" ] || found=${found%/*}; continue ;;
    esac
    if [ ! -L "$found/$step" ]; then
      found=$found/$step
      continue
    fi
    links=$((links + 1))
    [ $links -le 40 ] || return 1
    # a name may end with a newline, which $( ) would cut
    aim=$(readlink -n -- "$found/$step" && printf .) || return 1
    aim=${aim%.}
    case $aim in /*) found=$host ;; esac
    ahead=$aim/$ahead
  done
  [ -e "$found" ]
}
