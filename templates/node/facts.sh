# impound facts v1
#
# What the node and the image of the node pod are: a line each, KEY=VALUE. "tool" lines name what the image has of what scripts
# on nodes need.

say() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr -d '\000-\037\177' | cut -c 1-300)"; }

say kernel "$(uname -r)"
say machine "$(uname -m)"
say hostname "$(cat /host/etc/hostname 2>/dev/null || cat /proc/1/root/etc/hostname 2>/dev/null)"
# never sourced: who owns the node may have written it
say os "$(sed -n 's/^PRETTY_NAME=//p' /host/etc/os-release 2>/dev/null | tr -d '"')"
say boot "$(awk '$1 == "btime" { print $2 }' /proc/stat)"
say boot-id "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
say now "$(date +%s)"
say clock-ticks "$(getconf CLK_TCK 2>/dev/null || echo 100)"
say host-pid-namespace "$([ "$(awk '$1 == "Name:" { print $2 }' /proc/2/status 2>/dev/null)" = kthreadd ] && echo yes || echo no)"
say cgroup "$(if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo v2; else echo v1; fi)"
for socket in containerd/containerd.sock crio/crio.sock docker.sock k3s/containerd/containerd.sock; do
  [ -S "/host/run/$socket" ] && say runtime-socket "/run/$socket"
done
say free "$(df -Pk /host/var 2>/dev/null | awk 'END { print $4 * 1024 }')"
for tool in awk cat conntrack cut date df dd find getfattr grep head ip nft nsenter od readlink sed sha256sum sort ss stat tail tar tee timeout tr wc xargs; do
  if [ -n "$(command -v "$tool")" ]; then say tool "$tool"; fi
done
case $(tar --version 2>/dev/null) in *'GNU tar'*) say tool gnu-tar ;; esac
# all tools were looked for: what is cut before lacks none of them
say end yes
