#!/usr/bin/env bash
# Set-up, build, then all tests: formatting, unit, contract, golden, real MPI ranks, faults; then the parsers and the
# contract under the address and undefined-behaviour sanitizers, and a few seconds of fuzzing for each parser.
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh --target all
say() { printf '\n== %s\n' "$*"; }
log=${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid/sanitizers.log

say "formatting"
git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format --dry-run -Werror

# The two sanitizer builds take minutes of compiling: they run while the tests wait on ranks and kills.
sanitizer_targets=(bad_input grid_test tasks_test catalogue_test trial_file_test safetensors_test merge_test kernels_test
  contract_test)
build_sanitized() {
  cmake --preset asan && cmake --build --preset asan -j 2 --target "${sanitizer_targets[@]}"
  cmake --preset fuzz && cmake --build --preset fuzz -j 2 --target all_fuzz
}

say "unit, contract, golden, ranks, faults"
ctest --test-dir build/release --output-on-failure -j 2

say "building with sanitizers (log: the cache folder's sanitizers.log)"
build_sanitized >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }

say "address and undefined-behaviour sanitizers"
# Open MPI, HDF5 and LibTorch keep memory until the process ends; leaks are looked for in the fuzz targets.
ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build/asan --output-on-failure -j 2 -E 'NOT_BUILT|_ranks$|^faults'

say "fuzzing"
ctest --test-dir build/fuzz --output-on-failure -L fuzz
