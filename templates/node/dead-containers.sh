# impound dead-containers v1
#
# After containers.sh and host-paths.sh, on the node, as: sh -c TEXT impound-dead-containers. A tar to stdout of what runtimes keep of containers that
# have ended, until the kubelet has them removed: containerd's meta.db and the overlayfs snapshotter's metadata.db, Docker's config.v2.json of
# each container and the layer that it has, CRI-O's and podman's containers.json, and the "lower" file of each overlay layer. Names are paths as
# they lie below the host's root, with symlinks followed.
#
# containerd's root is where running containers' overlays lie, and where packages put it. Needs GNU find and GNU tar, awk. Writes nothing.

# roots of containerd, as mounts of the node and of its processes tell them
roots=$(
  for file in "$proc"/[0-9]*/mountinfo; do
    { while IFS= read -r line; do
      case $line in *' / '*upperdir=/*/io.containerd.snapshotter.v1.overlayfs/*) ;; *) continue ;; esac
      root=${line##*upperdir=} root=${root%%/io.containerd.snapshotter.v1.overlayfs/*}
      printf '%s\n' "$root"
    done <"$file"; } 2>/dev/null
  done
  printf '%s\n' /var/lib/containerd /var/lib/rancher/k3s/agent/containerd /var/lib/rancher/rke2/agent/containerd /var/snap/microk8s/common/var/lib/containerd
)
# each once, and none that is escaped
roots=$(printf '%s\n' "$roots" | grep -v '[\\,]' | sort -u | head -n 50)

# regular files alone, told by paths relative to the host's root
each() {
  host_path "$1" || return 0
  base=.${found#"$host"}
  shift
  if [ -d "$found" ]; then (cd "$host/" && find "$base" -xdev "$@" -type f -print0); else printf '%s\0' "$base"; fi
}

{
  IFS='
'
  for root in $roots; do
    IFS=' '
    each "$root/io.containerd.metadata.v1.bolt/meta.db"
    each "$root/io.containerd.snapshotter.v1.overlayfs/metadata.db"
  done
  IFS=' '
  each /var/lib/docker/containers -mindepth 2 -maxdepth 2 -name config.v2.json
  each /var/lib/docker/image/overlay2/layerdb/mounts -mindepth 2 -maxdepth 2 -name mount-id
  each /var/lib/docker/overlay2 -mindepth 2 -maxdepth 2 -name lower
  each /var/lib/containers/storage/overlay-containers/containers.json
  each /var/lib/containers/storage/overlay -mindepth 2 -maxdepth 2 -name lower
} | head -z -n 50000 | tar -c -f - -C "$host/" -b 20 --format=posix --numeric-owner --atime-preserve=system --no-recursion \
  --ignore-failed-read --null --verbatim-files-from -T -
