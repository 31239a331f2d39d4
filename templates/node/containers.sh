# impound containers v1
#
# What every script on a node begins with: from a container's ID to its processes, as the node's kernel tells them. It needs the
# host's PID namespace, a POSIX sh, awk, stat and sort. IDs are 64 hex digits, as pods' status has them behind "containerd://".
#
#   container_processes ID      a line each, oldest first: PID STARTTIME NSPID PPID HOW; fails where there is none
#   container_init ID           PID STARTTIME of its first process; fails where there is none
#   same_process PID STARTTIME  whether that PID is still that process: ask after reading, a PID may be another's by then
#
# STARTTIME is in clock ticks since boot, NSPID the PID as the container sees it ("-" where the kernel does not say). HOW is
# "cgroup", or "pidns" for a process in the container's own PID namespace that sits in no container's cgroup: it was moved out.

LC_ALL=C
export LC_ALL
proc=${IMPOUND_PROC:-/proc}

starttime_of() (
  IFS=' ' text=''
  set -f
  # a process may have a newline in its name
  { while IFS= read -r line || [ -n "$line" ]; do text="$text $line"; done <"$proc/$1/stat"; } 2>/dev/null
  set -- ${text##*) }
  [ $# -ge 20 ] && printf '%s\n' "${20}"
)

same_process() { [ "$(starttime_of "$1")" = "$2" ]; }

# a line for each process, its PID, then one with the inode of its PID namespace before its path
list_processes() {
  batch='' count=0
  for dir in "$proc"/[0-9]*; do
    printf '%s\n' "${dir##*/}"
    batch="$batch $dir/ns/pid" count=$((count + 1))
    if [ $count -ge 500 ]; then
      stat -L -c '%i %n' $batch 2>/dev/null
      batch='' count=0
    fi
  done
  [ -z "$batch" ] || stat -L -c '%i %n' $batch 2>/dev/null
  return 0
}

container_processes() {
  list_processes | awk -v id="$1" -v proc="$proc" '
    # The ID in one part of a cgroup path: ID, cri-containerd-ID.scope, crio-ID.scope, docker-ID.scope, SLICE:cri-containerd:ID.
    # Not crio-conmon-ID.scope, which is its monitor.
    function id_of(part) {
      sub(/ \(deleted\)$/, "", part)
      sub(/\.scope$/, "", part)
      sub(/^.*:/, "", part)
      sub(/^(cri-containerd|crio|docker|libpod)-/, "", part)
      return length(part) == 64 && part !~ /[^0-9a-f]/ ? part : ""
    }
    # The outermost container below the kubelet: whoever may make cgroups in a container can name one within it after another
    function container_of(path,   parts, count, first, i, found) {
      count = split(path, parts, "/")
      first = 1
      for (i = 1; i <= count; i++) if (parts[i] ~ /kubepods/) { first = i; break }
      for (i = first; i <= count; i++) if ((found = id_of(parts[i])) != "") return found
      return ""
    }
    # "ours", "other" or "none", by any of the hierarchies
    function belongs(pid,   file, line, found, answer) {
      file = proc "/" pid "/cgroup"
      answer = "none"
      while ((getline line < file) > 0) {
        sub(/^[0-9]+:[^:]*:/, "", line)
        found = container_of(line)
        if (found == id) { answer = "ours"; break }
        if (found != "") answer = "other"
      }
      close(file)
      return answer
    }
    # sets start, parent, inner, depth; false where the process has gone
    function look(pid,   file, line, text, fields, count) {
      file = proc "/" pid "/stat"
      text = ""
      while ((getline line < file) > 0) text = text " " line
      close(file)
      if (!match(text, /.*\) /)) return 0
      count = split(substr(text, RLENGTH + 1), fields, " ")
      if (count < 20) return 0
      parent = fields[2]
      start = fields[20]
      file = proc "/" pid "/status"
      inner = "-"
      depth = 1
      while ((getline line < file) > 0) if (line ~ /^NSpid:/) {
        depth = split(line, fields, /[ \t]+/) - 1
        inner = fields[depth > 1 ? 3 : 2]
        break
      }
      close(file)
      return 1
    }
    function tell(pid, how) { print pid, start, inner, parent, how }
    NF == 1 { pids[++total] = $1; next }
    { inode = $1; pid = $2; sub(/\/ns\/pid$/, "", pid); sub(/^.*\//, "", pid); space[pid] = inode }
    END {
      for (i = 1; i <= total; i++) {
        where[pids[i]] = belongs(pids[i])
        if (where[pids[i]] != "ours" || !look(pids[i])) continue
        tell(pids[i], "cgroup")
        # processes of a namespace of their own within it are no proof for others
        if (depth == 2 && (pids[i] in space)) own[space[pids[i]]] = 1
      }
      if (1 in space) delete own[space[1]]
      for (i = 1; i <= total; i++) if (where[pids[i]] == "none" && (pids[i] in space) && (space[pids[i]] in own)) {
        if (look(pids[i])) tell(pids[i], "pidns")
      }
    }
  ' | sort -k2,2n -k1,1n | {
    lines=$(cat)
    [ -n "$lines" ] && printf '%s\n' "$lines"
  }
}

container_init() {
  container_processes "$1" | awk '
    # in a PID namespace of its own the first process is 1, and there is but one that is
    $5 == "cgroup" && $3 == 1 && first == "" { first = $1 " " $2 }
    $5 == "cgroup" && oldest == "" { oldest = $1 " " $2 }
    END {
      if (first == "") first = oldest
      if (first == "") exit 1
      print first
    }
  '
}
