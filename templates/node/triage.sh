# impound triage v1
#
# After containers.sh and host-paths.sh, on the node, as: sh -c TEXT impound-triage ACTION ... What of the node itself tells whether an intruder
# left the container for it. Nothing of the host is run, and nothing but regular files is opened. To stdout:
#
#   list SINCE   an entry each, ended by NUL: TYPE INODE LINKS BLOCKS SIZE MODE UID GID ATIME MTIME CTIME KIND PATH, the path as it lies below
#                the host's root, with its symlinks followed; of a symlink, TAB and what it says. SINCE, in seconds since 1970, bounds logs
#                and units to what changed after it. Then an empty entry, and lines "PID ID" of processes that a cgroup says are in a container
#   read PATH... a tar of these files, in that order; what is no regular file any more is passed over and named on stderr
#
# Needs GNU find and GNU tar, and awk. Nothing is written on the node, not even access times.

action=$1
shift

# found BASE KIND TEST...: what find has of it below a place of the host
look() {
  base=$1 kind=$2
  shift 2
  host_path "$base" || return 0
  at=${found#"$host"}
  # it becomes part of what find prints
  case $at in *[%\\]*) return 0 ;; esac
  format="%y %i %n %b %s %m %U %G %A@ %T@ %C@ $kind $at"
  if [ -d "$found" ]; then
    find "$found" -mindepth 1 -xdev "$@" \( -type l -printf "$format/%P\t%l\0" -o -type f -printf "$format/%P\0" \)
  elif [ -f "$found" ]; then
    find "$found" -maxdepth 0 "$@" -printf "$format\0"
  fi
}

case $action in
  list)
    since=$1
    newer="-newerct @$since"
    for base in /var/log/journal /run/log/journal; do look "$base" journal -maxdepth 2 -name '*.journal*' $newer; done
    look /var/log node-log -maxdepth 1 \( -name 'messages*' -o -name 'syslog*' -o -name 'auth.log*' -o -name 'secure*' -o -name 'kern.log*' \
      -o -name 'kubelet*' -o -name 'containerd*' -o -name 'crio*' -o -name 'docker*' -o -name 'daemon.log*' \) $newer
    look /var/log/audit node-log -maxdepth 1 $newer
    for base in /etc/kubernetes/manifests /etc/kubelet.d /var/lib/rancher/k3s/agent/pod-manifests /var/lib/rancher/rke2/agent/pod-manifests; do
      look "$base" static-pod -maxdepth 2
    done
    look /var/lib/kubelet/config.yaml kubelet-config
    for base in /etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly \
      /var/spool/cron /var/spool/at; do
      look "$base" cron -maxdepth 2
    done
    for base in /etc/systemd/system /run/systemd/system /usr/lib/systemd/system /usr/local/lib/systemd/system /root/.config/systemd/user; do
      look "$base" systemd-unit -maxdepth 2 $newer
    done
    look /etc/ld.so.preload preload
    look /etc/ssh ssh-keys -maxdepth 2 -name 'authorized_keys*'
    homes=''
    host_path /etc/passwd && while IFS=: read -r _ _ _ _ _ home _; do
      case $home in /?*) ;; *) continue ;; esac
      case $homes in *" $home "*) continue ;; esac
      homes="$homes $home "
      look "$home/.ssh" ssh-keys -maxdepth 1 -name 'authorized_keys*'
    done <"$found"
    # where packages have it, and where the roots of running containers are mounted
    states=$(
      printf '%s\n' /run/containerd/io.containerd.runtime.v2.task /run/k3s/containerd/io.containerd.runtime.v2.task
      { while IFS=' ' read -r _ _ _ _ point _; do
        case $point in */io.containerd.runtime.v2.task/*/*/rootfs) printf '%s\n' "${point%/*/*/rootfs}" ;; esac
      done <"$proc/1/mountinfo"; } 2>/dev/null
    )
    for state in $(printf '%s\n' "$states" | grep -v '[\\ %*?[]' | sort -u | head -n 20); do
      look "$state" container -mindepth 3 -maxdepth 3 -name config.json
    done
    look /var/lib/docker/containers container -mindepth 2 -maxdepth 2 -name config.v2.json
    look /run/containers/storage/overlay-containers container -mindepth 3 -maxdepth 3 -name config.json
    printf '\0'
    for file in "$proc"/[0-9]*/cgroup; do
      pid=${file#"$proc/"}
      { while IFS= read -r line; do printf '%s %s\n' "${pid%/cgroup}" "$line"; done <"$file"; } 2>/dev/null
    done | awk '{
      pid = $1
      sub(/^[0-9]+ /, "")
      count = split($0, words, /[^0-9a-f]+/)
      for (i = 1; i <= count; i++) {
        if (length(words[i]) != 64 || ((pid, words[i]) in seen)) continue
        seen[pid, words[i]] = 1
        print pid, words[i]
      }
    }'
    ;;
  read)
    for path; do
      if host_path "$path" && [ "$found" = "$host$path" ] && [ -f "$found" ]; then printf '%s\0' ".$path"
      else printf '%s\n' "gone: $path" >&2; fi
    done | tar -c -f - -C "$host/" -b 20 --format=posix --numeric-owner --atime-preserve=system --no-recursion --ignore-failed-read \
      --sparse --null --verbatim-files-from -T -
    ;;
  *) exit 2 ;;
esac
