# impound drop-connections v1
#
# drop|check|restore NAME CONTAINER ADDRESS…
#
# Rules in the network namespace of a pod that let through nothing but TCP connections that its node (ADDRESS…, and the gateway)
# begins from now on: probes of the kubelet go on. What is open goes on no more, with the node neither; the processes keep
# their sockets. With the image's own tools, else with those of the node. Says KEY=VALUE lines.

action=$1 name=$2 container=$3
shift 3

found=$(container_init "$container") || {
  echo 'no process of the container runs on this node' >&2
  exit 3
}
pid=${found% *}
inside() { nsenter -t "$pid" -n "$@"; }

if [ "$(readlink "$proc/$pid/ns/net")" = "$(readlink "$proc/1/ns/net")" ]; then
  echo 'the container is in the network of its node' >&2
  exit 4
fi

of_node() { PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin chroot /host "$@"; }
has() { command -v "$1" >/dev/null 2>&1; }
node_has() { of_node sh -c 'command -v "$1"' sh "$1" >/dev/null 2>&1; }

run='' tool=''
for candidate in nft iptables; do
  if has $candidate; then tool=$candidate run='' && break; fi
done
if [ -z "$tool" ]; then
  for candidate in nft iptables; do
    if node_has $candidate; then tool=$candidate run=of_node && break; fi
  done
fi
if [ -z "$tool" ]; then
  echo 'neither nft nor iptables is to be had, in the image or on the node' >&2
  exit 5
fi
echo "tool=${run:+node-}$tool"

tracker=none
if has conntrack; then tracker=own; elif node_has conntrack; then tracker=node; fi
echo "conntrack=$tracker"

# shell functions can't be run by nsenter; the lock of iptables-legacy lies in the node's /run, which may be read-only here, and
# nobody else writes rules in this network
on_node() {
  PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin XTABLES_LOCKFILE=/dev/null inside chroot /host "$@"
}
filter() { if [ -n "$run" ]; then on_node "$@"; else inside "$@"; fi; }

# from little-endian words, as the kernel prints them on all but s390x
gateways() {
  awk 'function byte(at) { return index("0123456789ABCDEF", substr($3, at, 1)) * 16 - 16 + index("0123456789ABCDEF", substr($3, at + 1, 1)) - 1 }
    NR > 1 && $2 == "00000000" && $3 != "00000000" { print byte(7) "." byte(5) "." byte(3) "." byte(1) }' "$proc/$pid/net/route" 2>/dev/null
}
node4='' node6=''
for address in "$@" $(gateways); do
  case $address in
    *:*) node6="$node6 $address" ;;
    *.*) node4="$node4 $address" ;;
  esac
done
commas() { printf '%s' "$*" | tr -s ' ' ','; }

# A connection that was open before is not known to conntrack here, or no more. Its next packet would pass for the first of a new
# one, begun by who sends it: hence SYN alone begins one, and directions count.
nft_from() {
  echo "    $1 meta l4proto tcp ct state established ct direction original accept"
  echo "    $1 ct state new tcp flags & (fin | syn | rst | ack) == syn accept"
}
nft_to() { echo "    $1 meta l4proto tcp ct state established ct direction reply accept"; }

nft_rules() {
  echo "table inet impound_$name {}"
  echo "delete table inet impound_$name"
  echo "table inet impound_$name {"
  echo '  counter dropped_in {}'
  echo '  counter dropped_out {}'
  echo '  chain in {'
  echo '    type filter hook input priority 0; policy drop;'
  echo '    iifname "lo" accept'
  [ -z "$node4" ] || nft_from "ip saddr { $(commas $node4) }"
  [ -z "$node6" ] || nft_from "ip6 saddr { $(commas $node6) }"
  echo '    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept'
  echo '    counter name dropped_in drop'
  echo '  }'
  echo '  chain out {'
  echo '    type filter hook output priority 0; policy drop;'
  echo '    oifname "lo" accept'
  [ -z "$node4" ] || nft_to "ip daddr { $(commas $node4) }"
  [ -z "$node6" ] || nft_to "ip6 daddr { $(commas $node6) }"
  echo '    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept'
  echo '    counter name dropped_out drop'
  echo '  }'
  echo '  chain forward {'
  echo '    type filter hook forward priority 0; policy drop;'
  echo '  }'
  echo '}'
}

# the jumps come last: until then nothing changes, and once they stand the chains are not touched again
tables_drop() {
  command=$1
  shift
  tables_filled "$command" || tables_fill "$command" "$@" || return 1
  for pair in INPUT:in OUTPUT:out FORWARD:forward; do
    jump="${pair%:*} -j impound-$name-${pair#*:}"
    filter "$command" -w -C $jump 2>/dev/null || filter "$command" -w -I $jump || return 1
  done
}

tables_filled() {
  for chain in in out forward; do tables_dropped "$1" $chain >/dev/null 2>&1 || return 1; done
}

tables_fill() {
  command=$1
  shift
  for chain in in out forward; do
    filter "$command" -w -N "impound-$name-$chain" 2>/dev/null || filter "$command" -w -F "impound-$name-$chain" || return 1
  done
  filter "$command" -w -A "impound-$name-in" -i lo -j ACCEPT || return 1
  filter "$command" -w -A "impound-$name-out" -o lo -j ACCEPT || return 1
  for address in "$@"; do
    filter "$command" -w -A "impound-$name-in" -s "$address" -p tcp -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL -j ACCEPT || return 1
    filter "$command" -w -A "impound-$name-in" -s "$address" -p tcp --syn -m conntrack --ctstate NEW -j ACCEPT || return 1
    filter "$command" -w -A "impound-$name-out" -d "$address" -p tcp -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT || return 1
  done
  if [ "$command" = ip6tables ]; then
    for type in 135 136; do
      filter "$command" -w -A "impound-$name-in" -p icmpv6 --icmpv6-type $type -j ACCEPT || return 1
      filter "$command" -w -A "impound-$name-out" -p icmpv6 --icmpv6-type $type -j ACCEPT || return 1
    done
  fi
  for chain in in out forward; do
    filter "$command" -w -A "impound-$name-$chain" -j DROP || return 1
  done
}

tables_restore() {
  for pair in INPUT:in OUTPUT:out FORWARD:forward; do
    jump="${pair%:*} -j impound-$name-${pair#*:}"
    while filter "$1" -w -C $jump 2>/dev/null; do filter "$1" -w -D $jump || return 1; done
  done
  for chain in in out forward; do
    filter "$1" -w -F "impound-$name-$chain" 2>/dev/null && filter "$1" -w -X "impound-$name-$chain"
  done
  return 0
}

# whether the jumps stand, and what the last rule of a chain has dropped
tables_stand() {
  filter "$1" -w -C INPUT -j "impound-$name-in" 2>/dev/null &&
    filter "$1" -w -C OUTPUT -j "impound-$name-out" 2>/dev/null &&
    tables_dropped "$1" in >/dev/null
}
tables_dropped() { filter "$1" -w -nvxL "impound-$name-$2" | awk '$3 == "DROP" { print $1; found = 1 } END { exit !found }'; }

# files of /proc have no size
has_ipv6() { awk '$6 != "lo" { found = 1 } END { exit !found }' "$proc/$pid/net/if_inet6" 2>/dev/null; }

stands() {
  if [ $tool = nft ]; then filter nft list table inet "impound_$name" >/dev/null 2>&1; else
    tables_stand iptables && { ! has_ipv6 || tables_stand ip6tables; }
  fi
}
dropped() {
  if [ $tool = nft ]; then
    filter nft list counter inet "impound_$name" "dropped_$1" 2>/dev/null | awk '$1 == "packets" { print $2 }'
  else tables_dropped iptables "$1" 2>/dev/null; fi
}

case $action in
  drop)
    if [ $tool = nft ]; then nft_rules | filter nft -f - || exit 6; else
      tables_drop iptables $node4 || exit 6
      if has_ipv6; then tables_drop ip6tables $node6 || exit 6; fi
    fi
    # what the node began before, and what came by it under its address, is not to go on either
    case $tracker in
      own) inside conntrack -F >/dev/null 2>&1 || exit 7 ;;
      node) on_node conntrack -F >/dev/null 2>&1 || exit 7 ;;
    esac
    ;;
  restore)
    if [ $tool = nft ]; then filter nft delete table inet "impound_$name" 2>/dev/null; else
      tables_restore iptables || exit 6
      if has_ipv6; then tables_restore ip6tables || exit 6; fi
    fi
    ;;
esac
if stands; then
  echo rules=yes
  echo "dropped-in=$(dropped in)"
  echo "dropped-out=$(dropped out)"
else echo rules=no; fi
