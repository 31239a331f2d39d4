#!/bin/sh
# Makes the images of the end-to-end tests with the cluster script (first argument) and prints the environment that the
# tests want. Another cluster may bring images of its own: see world.ts.
set -eu
cluster=$1
home=${CLUSTER_HOME:-/var/cache/impound-cluster}
layer=$(mktemp -d)
trap 'rm -rf "$layer"' EXIT
mkdir -p "$layer/app" "$layer/usr/local/bin"
echo 'listen: 8080' >"$layer/app/config.yaml"
echo 'keep me' >"$layer/app/old.txt"
printf '#!/bin/sh\n# PID 1 has no default signal handlers\ntrap "echo ended by a signal; exit 3" TERM\necho started\nwhile :; do echo tick; sleep 1 & wait $!; done\n' >"$layer/usr/local/bin/serve"
chmod 755 "$layer/usr/local/bin/serve"
# the same bytes every time: a tag that moved is a finding
find "$layer" -exec touch -d 2026-11-01T00:00:00Z {} +
bash "$cluster" image e2e/app:1 '["/usr/local/bin/serve"]' "$home/base" "$layer" >&2
bash "$cluster" image e2e/distroless:1 '["/pause"]' "$home/pause" >&2
echo "E2E_APP_IMAGE=lab.local/e2e/app:1"
echo "E2E_DISTROLESS_IMAGE=lab.local/e2e/distroless:1"
echo "E2E_REGISTRY=lab.local=http://127.0.0.1:15000"
echo "E2E_NO_RIGHTS_KUBECONFIG=$home/run/pki/responder.kubeconfig"
