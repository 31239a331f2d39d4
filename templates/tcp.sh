# impound tcp v1
#
# What opens TCP connections: functions for the scripts that try a network. Debian's smallest image has perl and no nc; what -z does
# in others, -e does in busybox.

# defines connect_to and listen_on, each with the words before the program as arguments; they read $address and $to
tcp_tools() {
  case $(nc --help 2>&1) in
    *-e\ PROG*) just='-e true' ;;
    *) just=-z ;;
  esac
  if command -v nc >/dev/null 2>&1; then
    connect_to() { "$@" timeout 4 nc -w 2 "$address" "$to" $just </dev/null 2>&1; }
    listen_on() { sleep 8 | "$@" timeout 8 nc -l -p "$to" >/dev/null 2>&1; }
  elif command -v perl >/dev/null 2>&1; then
    connect_to() {
      "$@" perl -e 'use IO::Socket::INET;
        $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 2) or do { print "$@ $!"; exit 1 };
        exit 0' "$address" "$to" 2>&1
    }
    listen_on() {
      "$@" perl -e 'use IO::Socket::INET; alarm 8;
        $listener = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or exit 1;
        while ($socket = $listener->accept) { push @open, $socket }' "$to" >/dev/null 2>&1
    }
  else
    echo 'the image has neither nc nor perl' >&2
    exit 5
  fi
}

in_control() { "$@"; }

# FROM ADDRESS PORT
try() (
  address=$2 to=$3
  said=$(connect_to "in_$1" && echo impound-connected)
  case $said in
    *impound-connected*) echo connected ;;
    *efused* | *reset*) echo refused ;;
    *) echo silent ;;
  esac
)
