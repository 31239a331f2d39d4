# impound twin v1
#
# PORT FILE LABEL:ADDRESS:PORT…
#
# In a pod of its own: listens on PORT, and tries over and over what it can reach, itself among it. FILE says what else, once it is known:
# an annotation of the pod, by the downward API, as TWIN_ADDRESS is its own. A round a second or so, each line of it
# "probe ROUND LABEL ADDRESS:PORT connected|refused|silent", and last "end ROUND".

port=$1 file=$2
shift 2
tcp_tools

# for as long as the pod lives, connected or not
serve() {
  if command -v perl >/dev/null 2>&1; then
    perl -e 'use IO::Socket::INET;
      $listener = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 20, ReuseAddr => 1) or exit 1;
      while (1) { $socket = $listener->accept; close $socket if $socket }' "$port"
  else
    while :; do nc -l -p "$port" </dev/null || sleep 1; done
  fi
}
serve >/dev/null 2>&1 &

# LABEL ADDRESS PORT
probe() { echo "probe $round $1 $2:$3 $(try control "$2" "$3")"; }

sleep 1
round=0
while [ "$round" -lt 200 ]; do
  round=$((round + 1))
  {
    for destination in "$@" $(cat "$file" 2>/dev/null); do
      label=${destination%%:*} rest=${destination#*:}
      probe "$label" "${rest%:*}" "${rest##*:}" &
    done
    case $TWIN_ADDRESS in
      *.*) probe self "$TWIN_ADDRESS" "$port" & ;;
    esac
    wait
  } | sort
  echo "end $round"
  sleep 1
done
