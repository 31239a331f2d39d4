# impound checkpoint v1
#
# After containers.sh and host-paths.sh, in the pod of ours on the node, as: sh -c TEXT impound-checkpoint ACTION ... Has the node's container
# runtime stop a container by CRIU and write what it was into a file of the node, as the kubelet does it; sends that file, and removes it.
#
#   look ID                 lines of "fact KEY VALUE": whether it can be had, what it would take, what files of ours a killed run left. Changes nothing
#   take ID MOST name=NAME  "impound-checkpoint v1", "size BYTES SENT", so many bytes (at most MOST), "end removed|left"
#   remove NAME...          ends what still makes these files, removes them; a line "NAME removed|left" each
#
# Exit status: 3 no such container, 4 the node has it not, 5 the runtime refused: its words stand on stderr. Needs GNU find, awk, grep, head,
# stat, df; and crictl, of the image or of the node, which is run with the node's root as its own.

directory=/var/lib/kubelet/checkpoints
action=$1
shift

fail() { status=$1; shift; printf '%s\n' "impound-checkpoint: $*" >&2; exit "$status"; }
tell() { printf 'fact %s\n' "$*"; }

# where: the kubelet makes this folder where it can make checkpoints, and only there
host_path $directory && [ -d "$found" ] && where=${found#"$host"} || where=''

# Sets crictl: the words before its arguments; and socket, as it sees it
find_crictl() {
  crictl='' seen=''
  if command -v crictl >/dev/null; then crictl=crictl seen=$host
  else
    for program in /usr/bin/crictl /usr/local/bin/crictl /opt/bin/crictl /opt/cni/bin/crictl /home/kubernetes/bin/crictl /bin/crictl; do
      if host_path $program && [ -x "$found" ]; then crictl="chroot $host ${found#"$host"}"; break; fi
    done
  fi
  socket=''
  for one in containerd/containerd.sock crio/crio.sock k3s/containerd/containerd.sock; do
    if [ -S "$host/run/$one" ]; then socket=unix://$seen/run/$one; break; fi
  done
}

# Bytes: what there is below, and what it takes of the disk
upper_sizes() {
  option=$(awk '$5 == "/" { line = $0 } END { sub(/^.* - /, "", line); print line }' "$proc/$1/mountinfo" |
    awk '$1 == "overlay" { count = split($NF, options, ","); for (i = 1; i <= count; i++) if (sub(/^upperdir=/, "", options[i])) print options[i] }')
  # what is escaped or relative is not looked for: it is said that it is not known
  case $option in *\\*) return ;; /*) ;; *) return ;; esac
  host_path "$option" && [ -d "$found" ] || return
  find "$found" -xdev -type f -printf '%s %b\n' | awk '{ apparent += $1; allocated += 512 * $2 }
    END { printf "fact apparent %.0f\nfact allocated %.0f\n", apparent, allocated }'
  df -Pk "$found" | awk 'END { printf "fact layer-free %.0f\n", $4 * 1024 }'
}

# Pages of memory that its processes have or have put aside
memory_of() {
  container_processes "$1" | while read -r pid _; do
    cat "$proc/$pid/status" 2>/dev/null
  done | awk '$1 == "VmRSS:" || $1 == "VmSwap:" { kib += $2 } END { printf "fact memory %.0f\n", kib * 1024 }'
}

# Who makes the file of that name now
makers() { grep -laF -e "name=$1" -e "--export=$directory/$1" "$proc"/[0-9]*/cmdline 2>/dev/null | sed "s|^$proc/||; s|/cmdline\$||"; }

is_ours() {
  case $1 in *[!0-9a-z.-]*) return 1 ;; impound-????????????????.tar) return 0 ;; esac
  return 1
}

# By the root of the node's first process: our own view of it can't be written to
drop() {
  rm -f -- "$proc/1/root$where/$1" 2>/dev/null
  if [ -e "$host$where/$1" ]; then echo left; else echo removed; fi
}

case $action in
  look)
    init=$(container_init "$1") || fail 3 "no process of the container $1 on this node"
    [ -n "$where" ] && tell directory $directory
    find_crictl
    [ -n "$crictl" ] && tell program "$crictl"
    [ -n "$socket" ] && tell socket "$socket"
    memory_of "$1"
    upper_sizes "${init% *}"
    if [ -n "$where" ]; then
      df -Pk "$host$where" | awk 'END { printf "fact size %.0f\nfact free %.0f\n", $2 * 1024, $4 * 1024 }'
      for file in "$host$where"/impound-*.tar; do
        name=${file##*/}
        if is_ours "$name" && [ -f "$file" ] && [ -z "$(makers "$name")" ]; then tell leftover "$name"; fi
      done
    fi
    echo 'fact end yes'
    ;;
  take)
    id=$1 most=$2 name=${3#name=}
    is_ours "$name" || fail 4 'this is no name of ours'
    [ -n "$where" ] || fail 4 "the node has no $directory"
    find_crictl
    [ -n "$crictl" ] && [ -n "$socket" ] || fail 4 'neither the image nor the node has crictl, or there is no socket of the runtime'
    child='' beat='' self=''
    read -r self _ </proc/self/stat
    trap '' PIPE
    stop() {
      trap '' TERM HUP INT
      [ -z "$child" ] || kill "$child" 2>/dev/null
      [ -z "$beat" ] || kill "$beat" 2>/dev/null
      drop "$name" >/dev/null
      fail 5 'it was ended before it was done'
    }
    # nothing is sent while the dump is made; who no longer listens wants it no more
    while sleep 5 2>/dev/null && kill -0 "$self" 2>/dev/null; do
      printf '%s\n' 'impound-checkpoint: it is being made' >&2 || { kill -TERM "$self"; break; }
    done >/dev/null &
    beat=$!
    $crictl --runtime-endpoint "$socket" --timeout 280s checkpoint "--export=$directory/$name" "$id" >&2 &
    child=$!
    # after both were started: one that is told to end while it still has our trap would not
    trap stop TERM HUP INT
    wait "$child"
    status=$?
    child=''
    kill "$beat" 2>/dev/null
    beat=''
    if [ $status != 0 ] || [ ! -f "$host$where/$name" ]; then
      drop "$name" >/dev/null
      fail 5 "the runtime made none (status $status)"
    fi
    size=$(stat -c %s -- "$host$where/$name")
    sent=$size
    [ "$size" -le "$most" ] || sent=$most
    printf 'impound-checkpoint v1\nsize %s %s\n' "$size" "$sent"
    head -c "$sent" -- "$host$where/$name"
    printf 'end %s\n' "$(drop "$name")"
    ;;
  remove)
    for name; do
      is_ours "$name" || continue
      # those who make it get ten seconds to end, the runtime one more to see that
      for second in 1 2 3 4 5 6 7 8 9 10; do
        found_makers=$(makers "$name")
        [ -n "$found_makers" ] || break
        kill $found_makers 2>/dev/null
        sleep 1
      done
      [ $second = 1 ] || sleep 1
      printf '%s %s\n' "$name" "$(drop "$name")"
    done
    ;;
  *) exit 2 ;;
esac
