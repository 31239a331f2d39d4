# impound probe-network v1
#
# CONTAINER POD-ADDRESS PORT LABEL:ADDRESS:PORT…
#
# Tries, with our own tools and from the network namespace of a container, what its pod can reach, and from here whether it can be
# reached; each beside a control that says whether there is anything to reach. PORT and the ports after it are used for
# sockets of ours. Lines: "probe LABEL ADDRESS:PORT FROM connected|refused|silent", FROM "suspect" or "control", then the
# tables of its sockets, "tcp LINE" and "tcp6 LINE", and last "end".

container=$1 own=$2 next=$3
shift 3

found=$(container_init "$container") || {
  echo 'no process of the container runs on this node' >&2
  exit 3
}
pid=${found% *}
if [ "$(readlink "$proc/$pid/ns/net")" = "$(readlink "$proc/1/ns/net")" ]; then
  echo 'the container is in the network of its node' >&2
  exit 4
fi
tcp_tools

here=$(hostname -i 2>/dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9.]+$/) { print $i; exit } }')

in_suspect() { nsenter -t "$pid" -n "$@"; }

# LABEL ADDRESS PORT FROM
probe() { echo "probe $1 $2:$3 $4 $(try "$4" "$2" "$3")"; }

# they end by themselves, connected or not
listen() { (to=$2; listen_on "in_$1") >/dev/null 2>&1 & }

peer=$next inbound=$((next + 1)) inbound_control=$((next + 2)) peer_control=$((next + 3))
listen control "$peer"
listen control "$peer_control"
listen suspect "$inbound"
listen suspect "$inbound_control"
sleep 1

{
  for destination in "$@"; do
    label=${destination%%:*} rest=${destination#*:}
    probe "$label" "${rest%:*}" "${rest##*:}" suspect &
    probe "$label" "${rest%:*}" "${rest##*:}" control &
  done
  if [ -n "$here" ]; then
    probe peer "$here" "$peer" suspect &
    probe peer "$here" "$peer_control" control &
  fi
  if [ -n "$own" ]; then
    # here the suspect is what is reached, and reaching itself is the control
    echo "probe inbound $own:$inbound suspect $(try control "$own" "$inbound")" &
    echo "probe inbound $own:$inbound control $(try suspect "$own" "$inbound_control")" &
  fi
  wait
} | sort

for table in tcp tcp6; do
  if [ -r "/proc/$pid/net/$table" ]; then sed -e 1d -e "s/^/$table /" "/proc/$pid/net/$table"; fi
done
echo end
