#!/bin/sh
# Runs one Job: claims its folder, runs the command, writes the exit code.
# usage: job-process.sh FOLDER DONE_MARKER COMMAND [ARG ...]
#
# The process leads its own session, so it outlives the worker that started it. Several workers may start it for one
# Job: the hard link lets only one continue.
folder=$1
marker=$2
shift 2
cd "$folder" || exit 1

# Sets `started`. Reads /proc where possible, because a Job may take only milliseconds and ps is another process.
read_start_time() {
  if read -r stat 2>/dev/null <"/proc/$$/stat"; then
    # The 22nd field. Counts after the command name, because the name may contain spaces.
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

# The command handles SIGTERM itself. This shell ignores it, so that it can write the exit code.
trap : TERM INT HUP
"$@" >>log 2>&1 </dev/null
code=$?
echo "$code" >exit
: >"$marker"
