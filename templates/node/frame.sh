
# impound frame v1
#
# What every script on a node ends with: runs it, counts and hashes what it writes to stdout on the way, and says so in the last
# line of stderr, so that a payload that lost its end on the way is known. Exits as the script does.

exec 7>&1
impound_results=$(
  {
    {
      {
        # what it leaves running must not hold these pipes open
        { (impound_script "$@") </dev/null 4>&- 5>&- 6>&- 7>&- 8>&-; echo "exit=$?" >&5; } |
          tee /proc/self/fd/4 /proc/self/fd/6 >&8
      } 4>&1 | sha256sum >&5
    } 6>&1 8>&7 | { printf 'bytes=%s\n' "$(wc -c)"; } >&5
  } 5>&1
)

impound_bytes=- impound_sha256=- impound_exit=125
for impound_word in $impound_results; do
  case $impound_word in
    bytes=*) impound_bytes=${impound_word#bytes=} ;;
    exit=*) impound_exit=${impound_word#exit=} ;;
    -) ;;
    *) impound_sha256=$impound_word ;;
  esac
done
printf '\nimpound-frame v1 %s bytes=%s sha256=%s exit=%s\n' \
  "$impound_nonce" "$impound_bytes" "$impound_sha256" "$impound_exit" >&2
exit "$impound_exit"
