# impound ephemeral-root v1
#
# After node/containers.sh and before capture-filesystem.sh, in an ephemeral container of ours in the target's PID namespace, as: sh -c TEXT
# impound CONTAINER_ID own|shared ARG…. Finds the target's root through its first process, and has what follows read there with
# the tools of our image. "shared": the containers of the pod share one PID namespace, and 1 is none of theirs.
#
# Exit status: 3 no such process, or this container is not beside the target; 4 its root may not be entered.

impound_id=$1 impound_shared=$2
shift 2

impound_init=$(container_init "$impound_id") || impound_init=''
impound_pid=${impound_init%% *}
# A cgroup namespace may hide the ID; a PID namespace of the target's own begins with its first process all the same
if [ -z "$impound_pid" ] && [ "$impound_shared" = own ]; then impound_pid=1; fi
if [ -z "$impound_pid" ]; then
  printf '%s\n' "impound: no process of the container $impound_id is seen from here" >&2
  exit 3
fi

impound_root=$proc/$impound_pid/root
impound_process=$proc/$impound_pid
if ! impound_there=$(stat -L -c '%d:%i' -- "$impound_root/." 2>&1); then
  printf '%s\n' "impound: the target's root may not be entered: $impound_there" >&2
  exit 4
fi
if [ "$impound_there" = "$(stat -L -c '%d:%i' /.)" ]; then
  printf '%s\n' "impound: the runtime did not put this container into the target's PID namespace" >&2
  exit 3
fi
