#!/bin/sh
# Makes the images of the end-to-end tests with the cluster script (first argument) and prints the environment that the
# tests want. Another cluster may bring images of its own: see world.ts.
set -eu
cluster=$1
home=${CLUSTER_HOME:-/var/cache/impound-cluster}
layer=$(mktemp -d)
node=$(mktemp -d)
bare=$(mktemp -d)
trap 'rm -rf "$layer" "$node" "$bare"' EXIT
chmod 755 "$bare"
mkdir -p "$layer/app" "$layer/usr/local/bin"
echo 'listen: 8080' >"$layer/app/config.yaml"
echo 'keep me' >"$layer/app/old.txt"
printf '#!/bin/sh\n# PID 1 has no default signal handlers\ntrap "echo ended by a signal; exit 3" TERM\necho started\nwhile :; do echo tick; sleep 1 & wait $!; done\n' >"$layer/usr/local/bin/serve"
chmod 755 "$layer/usr/local/bin/serve"

# The image of the pod on the node, as docs/node-pod.md wants it: Debian's programs of this machine with their libraries
mkdir -p "$node/usr/bin" "$node/usr/sbin" "$node/usr/lib64" "$node/tmp"
for place in bin sbin lib lib64; do ln -s "usr/$place" "$node/$place"; done
for program in awk base64 basename bash cat chroot comm conntrack cp cut date dd df dirname du env expr find getconf getfattr grep gzip head \
  hostname id ip iptables iptables-legacy iptables-nft iptables-restore iptables-save ip6tables join kill ln ls mkdir mktemp mount \
  mountpoint mv nc nft nsenter od openssl paste perl printf ps readlink rm rmdir sed seq setpriv sh sha1sum sha256sum sleep sort split ss stat tac \
  tail tar tee test timeout touch tr true truncate umount uname uniq unshare wc xargs zstd; do
  path=$(command -v "$program" || true)
  case $path in /*) ;; *) continue ;; esac # an alternative that this machine does not have
  cp -L "$path" "$node/usr/bin/$program"
  for library in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
    case $library in /lib64/*) target=$node/usr$library ;; /usr/*) target=$node$library ;; *) target=$node/usr$library ;; esac
    [ -e "$target" ] || { mkdir -p "$(dirname "$target")" && cp -L "$library" "$target"; }
  done
done
for extensions in /usr/lib/*/xtables; do
  [ ! -d "$extensions" ] || { mkdir -p "$node$(dirname "$extensions")" && cp -r "$extensions" "$node$extensions"; }
done

# the modules that Debian's smallest image has
for modules in /usr/lib/*/perl-base; do
  [ ! -d "$modules" ] || { mkdir -p "$node$(dirname "$modules")" && cp -r "$modules" "$node$modules"; }
done

# No shell and no tar by name, and one program that can write all the same
mkdir -p "$bare/etc/deep/er" "$bare/opt"
cp "$home/base/bin/busybox" "$bare/busybox"
for file in kept gone same; do echo "$file" >"$bare/etc/$file"; done
echo deep >"$bare/etc/deep/er/file"

# the same bytes every time: a tag that moved is a finding
find "$layer" "$node" "$bare" -exec touch -h -d 2026-11-01T00:00:00Z {} +
bash "$cluster" image e2e/app:1 '["/usr/local/bin/serve"]' "$home/base" "$layer" >&2
bash "$cluster" image e2e/distroless:1 '["/pause"]' "$home/pause" >&2
# by digest: a node keeps what a tag stood for when it first asked
node_digest=$(bash "$cluster" image e2e/node:1 '["sleep", "7200"]' "$node" | grep -o 'sha256:[0-9a-f]\{64\}' | tail -n 1)
bash "$cluster" image e2e/bare:1 '["/busybox", "sleep", "7200"]' "$bare" >&2
# what intruders do, with a busybox around it and without anything; where there is no gcc its tests are skipped
if command -v gcc >/dev/null; then
  tricks=$(mktemp -d)
  trap 'rm -rf "$layer" "$node" "$bare" "$tricks"' EXIT
  mkdir -p "$tricks/tricks/work"
  gcc -static -O1 -o "$tricks/tricks/run" "$(dirname "$0")/../tricks/tricks.c"
  find "$tricks" -exec touch -h -d 2026-11-01T00:00:00Z {} +
  bash "$cluster" image e2e/tricks:1 '["/tricks/run", "/tricks/work", "/tricks/work/list"]' "$home/base" "$tricks" >&2
  bash "$cluster" image e2e/tricks-static:1 '["/tricks/run", "/tricks/work", "/tricks/work/list"]' "$tricks" >&2
  echo "E2E_TRICKS_IMAGE=lab.local/e2e/tricks:1"
  echo "E2E_STATIC_TRICKS_IMAGE=lab.local/e2e/tricks-static:1"
fi
echo "E2E_APP_IMAGE=lab.local/e2e/app:1"
echo "E2E_DISTROLESS_IMAGE=lab.local/e2e/distroless:1"
echo "E2E_BARE_IMAGE=lab.local/e2e/bare:1"
echo "E2E_NODE_IMAGE=lab.local/e2e/node@$node_digest"
[ ! -f "$home/run/log/audit.json" ] || echo "E2E_AUDIT_LOG=$home/run/log/audit.json"
echo "E2E_REGISTRY=lab.local=http://127.0.0.1:15000"
echo "E2E_NO_RIGHTS_KUBECONFIG=$home/run/pki/responder.kubeconfig"
