#!/usr/bin/env bash
# All checks that need GPUs, with one rank on each GPU of this machine. The last line is the verdict; the exit code is 0
# when all passed, 1 when not, 77 where there is no GPU.
#   tests/gpu/run.sh                               sets up and builds what it needs first
#   tests/gpu/run.sh --built FOLDER ORCHESTRATOR   takes what is built
set -uo pipefail
cd "$(dirname "$0")/../.."

verdict() { # EXIT_CODE WORDS...
  local code=$1
  shift
  printf 'VERDICT: %s\n' "$*"
  exit "$code"
}

folder=build/release program=build/orchestrator
if [[ ${1:-} == --built ]]; then
  folder=$2 program=$3
else
  ./setup.sh --target gpu_checks || verdict 1 "failed: the checks do not build"
fi

gpus=$("$folder/tests/count_devices")
((gpus > 0)) || verdict 77 "skipped: no CUDA device is visible here"
scratch=$(mktemp -d -t peftgrid-gpu-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=$scratch/cache PEFTGRID_RANK_TEST_S=120
failed=()

finish() {
  ((${#failed[@]} == 0)) || verdict 1 "failed on $gpus GPUs: $(printf '%s; ' "${failed[@]}")"
  verdict 0 "passed on $gpus GPUs"
}

check() { # NAME COMMAND...
  local name=$1
  shift
  printf '== %s\n' "$name"
  "$@" || failed+=("$name")
}

check "sums over NCCL on $gpus GPUs" tests/support/mpirun.sh -n "$gpus" "$folder/tests/nccl_gpu_test"
"$folder/tests/make_tiny_world" "$scratch/world"
check "a grid with --collectives nccl on $gpus ranks" tests/support/mpirun.sh -n "$gpus" "$program" \
  --grid "$scratch/world/grid.yaml" --out "$scratch/run" --collectives nccl --progress plain --quiet \
  --only method=lora,size=40 --set seeds=1 --set training.epochs=1

# A stand-in for CUDA carries sums; it computes nothing.
[[ -z ${PEFTGRID_CUDA_IS_A_STANDIN:-} ]] || finish

check "the operators' numbers on a GPU" env PEFTGRID_TEST_DEVICE=cuda "$folder/tests/cuda_ops_test" --gtest_brief=1
check "the libraries' numbers on a GPU" env PEFTGRID_TEST_DEVICE=cuda "$folder/tests/golden_test" --gtest_brief=1
on_gpus() { # RANKS OUT ARGUMENTS...
  local ranks=$1 out=$2
  shift 2
  tests/support/mpirun.sh -n "$ranks" "$program" --grid "$scratch/world/grid.yaml" --out "$scratch/$out" --device cuda \
    --progress plain --quiet --set seeds=1 "$@"
}
check "every method with --device cuda on $gpus ranks" on_gpus "$gpus" cuda
check "the same on one rank more, in another order" on_gpus $((gpus + 1)) again --order shuffled
check "are they the same?" "$program" compare "$scratch/cuda" "$scratch/again"
finish
