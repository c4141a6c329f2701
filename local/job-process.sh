#!/bin/sh
# Runs one Job: claims its folder, runs the command, leaves the exit code.
# usage: job-process.sh FOLDER DONE_MARKER COMMAND [ARG ...]
#
# It is the leader of its own session, so it outlives the worker that started it. Any number of
# workers may start it for one Job: the hard link lets a single one through.
folder=$1
marker=$2
shift 2
cd "$folder" || exit 1

# Sets `started`, where /proc allows it without another process: a Job may be over in milliseconds.
read_start_time() {
  if read -r stat 2>/dev/null <"/proc/$$/stat"; then
    # The 22nd field, counted after the command name, which may hold spaces itself.
    set -- ${stat##*) }
    shift 19
    started=$1
  else
    set -- $(ps -o lstart= -p $$)
    started=$*
  fi
}

read_start_time
printf '%s\n%s\n' "$$" "$started" >"claim.$$"
ln "claim.$$" process 2>/dev/null || exit 0

# The command takes a SIGTERM as it likes; this shell stays to write down how it ended.
trap : TERM INT HUP
"$@" >>log 2>&1 </dev/null
code=$?
echo "$code" >exit
: >"$marker"
