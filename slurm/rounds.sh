# One round of a run in an allocation. `program`, `run` and `arguments` are set.
launcher={{launcher}}
ranks_per_node={{ranks_per_node}}
patience_s={{patience_s}} # from the wish to stop until the launcher is made to

most_idle_rounds=2
notes=$run/slurm/rounds # of the start of this round: job, idle rounds before it; the newest file
stop=''                 # why the grid is to end early

say() { printf '%(%F %T)T %s\n' -1 "$*"; }

# A round that changes none of these did nothing.
newest_file() {
  find "$run/trials" "$run/checkpoints" -mindepth 1 -type f ! -name '*.draft' -printf '%T@ %f\n' 2>/dev/null | sort -n | tail -n 1
}

# How many rounds in a row came to nothing, the one of the notes included. The run folder keeps count: a job that
# Slurm starts anew after its controller died has no restarts by SLURM_RESTART_COUNT.
idle_rounds() {
  local job='' idle=0 file=''
  [[ -e $notes ]] && { read -r job idle; read -r file; } <"$notes"
  if [[ $job == "$SLURM_JOB_ID" && $file == "$(newest_file)" ]]; then echo $((idle + 1)); else echo 0; fi
}

write_notes() { # IDLE
  mkdir -p "$run/slurm" || exit 4
  printf '%s %s\n%s\n' "$SLURM_JOB_ID" "$1" "$(newest_file)" >"$notes.draft" && mv "$notes.draft" "$notes"
}

end_if_idle() { # ROUNDS
  (($1 < most_idle_rounds)) && return
  say "$1 rounds without a finished trial or a newer checkpoint: not put back in the queue"
  say "the time limit may be too short for one trial; what is finished is kept, and submitting again goes on"
  exit 4
}

start_launcher() {
  # Waiting ranks must not take the cores of those that compute, and a step must come to its end before the kill.
  export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout="$patience_s"
  export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1
  if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
  local command=(mpirun --enable-recovery -n "$((ranks_per_node * SLURM_JOB_NUM_NODES))")
  if [[ $launcher == srun ]]; then
    command=(srun --mpi=pmix --ntasks-per-node="$ranks_per_node" --kill-on-bad-exit=0)
  elif ((SLURM_JOB_NUM_NODES == 1)); then
    # Without Slurm's own daemon between them, mpirun sees how its ranks end, whatever kills them.
    command+=(--mca ras '^slurm' --mca plm '^slurm')
  else
    command+=(--map-by "ppr:$ranks_per_node:node")
  fi
  "${command[@]}" "$program" "${arguments[@]}" --out "$run" &
}

# The program has owned the run folder since the start of this round, and does so no longer: the claim is empty, or that
# of a dead process, which rank 0 leaves where another rank has died.
given_back() {
  [[ -e $run/owner && $run/owner -nt $notes ]] || return
  local claim host
  claim=$(<"$run/owner")
  host=$(</proc/sys/kernel/hostname) # HOSTNAME is Slurm's name of the node
  [[ -z $claim ]] && return
  [[ $claim == *"\"host\":\"$host\""* && $claim =~ \"pid\":([0-9]+) && ! -e /proc/${BASH_REMATCH[1]} ]]
}

# Until the launcher has ended. It is told of the wish to stop, and made to end where it does not: mpirun can wait for
# ever for a dead rank of another node, while the program has long given the run folder back.
wait_for_launcher() { # PID
  local told='' left=''
  while kill -0 "$1" 2>/dev/null; do
    if [[ -n $stop && -z $told ]]; then
      told=$SECONDS
      say "stopping ($stop): finished trials are kept"
      kill -USR1 "$1"
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
}

# The program's own word, not the launcher's exit code, which deaths and signals make meaningless.
settle() {
  # Ranks outlive a killed launcher by a moment.
  for ((i = 0; i < 50; ++i)); do [[ -s $run/owner ]] && sleep 0.1 || break; done
  local code idle
  "$program" status "$run" --exit-code
  code=$?
  if ((code != 4)); then
    local page=$run/report/index.html
    [[ ! -d $run/trials || -e $page && -z $(find "$run/trials" -name '*.h5' -newer "$page" -print -quit) ]] ||
      "$program" report "$run" --quiet
    exit "$code"
  fi
  if [[ $stop == cancelled ]]; then exit 4; fi
  idle=$(idle_rounds)
  end_if_idle "$idle"
  say "back to the queue; the next round goes on"
  scontrol requeue "$SLURM_JOB_ID" && exit 0
  say "requeueing is refused here; submitting again goes on"
  exit 4
}

trap 'stop="the time limit is near"' USR1
trap 'stop=cancelled' TERM
idle=$(idle_rounds)
end_if_idle "$idle"
write_notes "$idle"
start_launcher
wait_for_launcher $!
settle
