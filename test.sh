#!/usr/bin/env bash
# Set-up, build, then all tests: formatting, unit, contract, golden, real MPI ranks, faults; then the parsers and the
# contract under the address and undefined-behaviour sanitizers, and a few seconds of fuzzing for each parser.
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh --target all
examples/smollm2.sh  # golden cases on a real decoder
say() { printf '\n[%4ss] == %s\n' "$SECONDS" "$*"; }
log=${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid/sanitizers.log

say "formatting"
git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format --dry-run -Werror
find build/release/tests/pages -name '*.cpp' -print0 | xargs -0r clang-format --dry-run -Werror  # the code of docs/

# Faults and Slurm tests wait more than they compute: compilers of low priority have the rest.
say "building with sanitizers in the background (log: the cache folder's sanitizers.log)"
build_sanitized() {
  cmake --preset asan && nice -n 19 cmake --build --preset asan -j 2 --target all_fuzz bad_input grid_test tasks_test \
    catalogue_test trial_file_test safetensors_test merge_test kernels_test contract_test
}
set -m  # a process group of its own, so that it ends with this script
build_sanitized >"$log" 2>&1 &
sanitized=$!
set +m
trap 'kill -- -$sanitized 2>/dev/null || true' EXIT

say "unit, contract, golden, ranks, faults"
ctest --test-dir build/release --output-on-failure -j 2

say "waiting for the build with sanitizers"
wait "$sanitized" || { tail -n 40 "$log"; exit 1; }

say "address and undefined-behaviour sanitizers"
# Open MPI, HDF5 and LibTorch keep memory until the process ends; leaks are looked for in the fuzz targets.
ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build/asan --output-on-failure -j 2 -LE fuzz \
  -R '^(bad_input|grid_test|tasks_test|catalogue_test|trial_file_test|safetensors_test|merge_test|kernels_test|contract_test.*)$'

say "fuzzing"
ctest --test-dir build/asan --output-on-failure -j 2 -L fuzz
say "all passed"
