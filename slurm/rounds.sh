# One round of a run in an allocation. `program`, `run` and `arguments` are set.
launcher={{launcher}}
ranks_per_node={{ranks_per_node}}
cores_per_rank={{cores_per_rank}}
patience_s={{patience_s}} # from the wish to stop until the launcher is made to

most_idle_rounds=2
most_busy_rounds=5
notes=$run/slurm/rounds
exit_code=$run/slurm/exit_code # of the program, which launchers replace by their own
stop=''                        # why the grid is to end early: limit, or told

say() { printf '%(%F %T)T %s\n' -1 "$*"; }

# A round that changes none of these did nothing.
newest_file() {
  find "$run/trials" "$run/checkpoints" -mindepth 1 -type f ! -name '*.draft' -printf '%T@ %f\n' 2>/dev/null |
    sort -n | tail -n 1
}

# The run folder keeps count: a job that Slurm starts anew after its controller died has no restarts by
# SLURM_RESTART_COUNT. Two lines: job, rounds in a row that came to nothing and that found the folder in use, what
# became of the last round; and the newest file at its start. Anybody may have written them: numbers are counted with
# only where they are digits.
read_notes() {
  idle=0 busy=0 before='' newest=''
  [[ -f $notes && ! -L $notes ]] || return
  local job='' idle_noted='' busy_noted='' how='' file=''
  { read -r job idle_noted busy_noted how; read -r file; } < <(head -c 4096 -- "$notes" | tr -d '\0')
  [[ $job == "$SLURM_JOB_ID" ]] || return
  [[ $idle_noted =~ ^[0-9]{1,4}$ ]] && idle=$((10#$idle_noted))
  [[ $busy_noted =~ ^[0-9]{1,4}$ ]] && busy=$((10#$busy_noted))
  before=$how newest=$file
}

# Whatever lies there under the draft's name, a link or a pipe, is not written through.
write_notes() { # HOW
  rm -f -- "$notes.draft"
  (set -C && printf '%s %s %s %s\n%s\n' "$SLURM_JOB_ID" "$idle" "$busy" "$1" "$newest" >"$notes.draft") &&
    mv -T "$notes.draft" "$notes"
}

# Without notes nothing would end a run that gets nowhere.
insist_on_notes() { # HOW
  write_notes "$1" && return
  say "$notes cannot be written: not put back in the queue; submitting again goes on"
  exit 4
}

begin_round() {
  read_notes
  [[ $before == running ]] && say "the round before was cut off, as by a lost node or by SIGKILL"
  [[ $newest == "$(newest_file)" ]] || idle=0
  newest=$(newest_file)
  mkdir -p "$run/slurm" # a shard's run folder is not there yet
  insist_on_notes running
  rm -f "$exit_code"
}

start_launcher() {
  # Waiting ranks must not take the cores of those that compute, and a step must come to its end before the kill.
  export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout="$patience_s"
  export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1
  if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
  local nodes=$SLURM_JOB_NUM_NODES
  [[ $nodes =~ ^[0-9]{1,6}$ ]] || { say "SLURM_JOB_NUM_NODES is no number of nodes" && exit 2; }
  local ranks=$((ranks_per_node * 10#$nodes))
  local command=(mpirun --enable-recovery -n "$ranks")
  if [[ $launcher == srun ]]; then
    command=(srun --mpi=pmix --nodes="$nodes" --ntasks="$ranks" --ntasks-per-node="$ranks_per_node"
      --cpus-per-task="$cores_per_rank" --kill-on-bad-exit=0)
  elif ((10#$nodes == 1)); then
    # Without Slurm's own daemon between them, mpirun sees how its ranks end, whatever kills them.
    command+=(--mca ras '^slurm' --mca plm '^slurm')
  else
    command+=(--map-by "ppr:$ranks_per_node:node")
  fi
  if ! type -P "${command[0]}" >/dev/null; then
    say "${command[0]} is not in PATH: not put back in the queue; submit --prologue can load it"
    write_notes failed
    exit 2
  fi
  "${command[@]}" "$program" "${arguments[@]}" --out "$run" --exit-code-file "$exit_code" &
}

# The program has owned the run folder since the start of this round, and does so no longer: the claim is empty, or that
# of a dead process, which rank 0 leaves where another rank has died.
given_back() {
  [[ -f $run/owner && $run/owner -nt $notes ]] || return
  local claim host
  claim=$(<"$run/owner")
  host=$(</proc/sys/kernel/hostname) # HOSTNAME is Slurm's name of the node
  [[ -z $claim ]] && return
  [[ $claim == *"\"host\":\"$host\""* && $claim =~ \"pid\":([0-9]+) && ! -e /proc/${BASH_REMATCH[1]} ]]
}

# Why Slurm has sent SIGTERM: its daemon writes that to the log of the job first, in its own words.
why_told() {
  local line
  line=$(tail -c 65536 /proc/$$/fd/1 2>/dev/null | grep -aF "*** JOB $SLURM_JOB_ID ON " | tail -n 1)
  case $line in
    *'DUE TO PREEMPTION'*) echo preempted ;;
    *'DUE TO JOB REQUEUE'* | *'DUE TO NODE'*) echo requeued ;;
    *'DUE TO TIME LIMIT'*) echo limit ;;
    *) echo cancelled ;;
  esac
}

# Slurm leaves little time, so this is written down at once.
hear_slurm() {
  how=$(why_told)
  case $how in
    preempted) say "stopping (preempted): finished trials are kept; the next round goes on, or submitting again" ;;
    requeued) say "stopping (requeued by Slurm): finished trials are kept; the next round goes on" ;;
    limit) say "stopping (the time limit is over): finished trials are kept; submitting again goes on" ;;
    *) say "stopping (cancelled): finished trials are kept; submitting again goes on" ;;
  esac
  write_notes "$how"
}

# Until the launcher has ended. It is told of the wish to stop, and made to end where it does not: mpirun can wait for
# ever for a dead rank of another node, while the program has long given the run folder back.
wait_for_launcher() { # PID
  local told='' left='' heard=''
  while kill -0 "$1" 2>/dev/null; do
    if [[ -n $stop && -z $told ]]; then
      told=$SECONDS
      kill -USR1 "$1"
      [[ $stop == limit ]] && say "stopping (the time limit is near): finished trials are kept"
    fi
    if [[ $stop == told && -z $heard ]]; then
      heard=yes
      hear_slurm
    fi
    if given_back; then left=${left:-$SECONDS}; else left=''; fi
    if { [[ -n $left ]] && ((SECONDS - left > 10)); } || { [[ -n $told ]] && ((SECONDS - told > patience_s)); }; then
      kill -TERM "$1"
      sleep 3
      kill -KILL "$1" 2>/dev/null
    fi
    # A trap runs at once only while bash waits for a process in the background.
    sleep 1 &
    wait $!
  done
  wait "$1"
  launched=$? # what it says where the program says nothing: it could not start it
}

make_report_if_older() {
  local page=$run/report/index.html
  [[ ! -d $run/trials || -e $page && -z $(find "$run/trials" -name '*.h5' -newer "$page" -print -quit) ]] ||
    "$program" report "$run" --quiet
}

requeue() {
  say "back to the queue; the next round goes on"
  scontrol requeue "$SLURM_JOB_ID" && exit 0
  say "requeueing is refused here; submitting again goes on"
  exit 4
}

# Of a round that Slurm did not end: what was wrong with the input will be so in the next round.
settle_refused() { # STANDING
  if [[ $1 == *$'\n'running:\ * || $1 == *$'\n'silent:\ * ]]; then
    busy=$((busy + 1))
    insist_on_notes busy
    ((busy < most_busy_rounds)) && requeue
    say "$busy rounds found the run folder in use: not put back in the queue; submitting again goes on"
  else
    write_notes refused
    say "the program refused its input (exit code 2, see above): not put back in the queue"
  fi
  exit 2
}

settle_unfinished() {
  busy=0
  if [[ $newest == "$(newest_file)" ]]; then idle=$((idle + 1)); else idle=0; fi
  local how=ended
  [[ $stop == limit ]] && how=limit
  insist_on_notes "$how"
  [[ $how == ended ]] && say "the round failed (exit code $launched of $launcher): the reason is above"
  ((idle < most_idle_rounds)) && requeue
  say "$idle rounds in a row without a finished trial or a newer checkpoint: not put back in the queue"
  [[ $how == limit ]] && say "the time limit may be too short for one trial"
  say "what is finished is kept, and submitting again goes on"
  exit 4
}

# The program's own word, not the launcher's exit code, which deaths and signals make meaningless.
settle() {
  # Ranks outlive a killed launcher by a moment.
  for ((i = 0; i < 50; ++i)); do [[ -s $run/owner ]] && sleep 0.1 || break; done
  local standing code
  standing=$("$program" status "$run" --exit-code)
  code=$?
  [[ -n $standing ]] && printf '%s\n' "$standing"
  [[ -d $run && ! -e $run/journal ]] && code=4 # of a shard that no program has begun
  if ((code == 0 || code == 3)); then
    make_report_if_older
    write_notes finished
  elif ((code != 4)); then
    say "the run can no longer be read (exit code $code of its status): not put back in the queue"
  fi
  ((code == 4)) || exit "$code"
  [[ $stop == told ]] && exit 4
  [[ -z $stop && -f $exit_code && $(head -c 4 "$exit_code") == 2 ]] && settle_refused "$standing"
  settle_unfinished
}

trap 'stop=limit' USR1
trap 'stop=told' TERM
begin_round
start_launcher
wait_for_launcher $!
settle
