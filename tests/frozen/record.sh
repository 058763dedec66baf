#!/usr/bin/env bash
# Adds the machine at hand to tests/frozen/frozen.json: builds commit cea4e05 in a folder of its own, trains the frozen
# trials with that program, compares ids and values with those that are recorded, and appends the hashes of their bytes.
# Worlds were added? Delete frozen.json first: then the values are recorded anew as well.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d -t peftgrid-frozen-XXXXXX)
trap 'git worktree remove --force "$scratch/cea4e05" 2>/dev/null || true; rm -rf "$scratch"' EXIT
git worktree add --quiet --detach "$scratch/cea4e05" cea4e05
"$scratch/cea4e05/setup.sh"
./setup.sh --target record_frozen
build/release/tests/record_frozen "$scratch/cea4e05/build/orchestrator" tests/frozen/frozen.json
