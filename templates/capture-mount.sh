# impound capture-mount v1
#
# Runs inside the suspect container, after a line that sets point: a tar of what is mounted there to stdout. To stderr, as
# capture-filesystem.sh says it: "impound-begin v1 ...", what tar complains of, "impound-trailer v1 bytes=- sha256=- tar=EXIT". Needs a
# shell and a tar. Starts nothing of the suspect's but sh and tar, writes nothing.

LC_ALL=C
export LC_ALL
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
say() { printf '%s\n' "impound-$*" >&2; }

cd -- "$point" || { say "trailer v1 bytes=- sha256=- tar=3"; exit 3; }
help=$(tar --help 2>&1)
set -- -c -f -
for option in --numeric-owner --one-file-system --sparse; do
  case $help in *"$option"*) set -- "$@" "$option" ;; esac
done
xattrs=no
case $help in *--xattrs*) set -- "$@" --format=posix --xattrs; xattrs=yes ;; esac
say "begin v1 mounts=unknown xattrs=$xattrs exclude=no counted=no"
tar "$@" .
status=$?
say "trailer v1 bytes=- sha256=- tar=$status"
exit $status
