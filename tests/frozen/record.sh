#!/usr/bin/env bash
# Adds the machine at hand to tests/frozen/frozen.json: builds the commit that the file names in a folder of its own,
# trains the frozen trials with that program, compares ids and values with those that are recorded, and appends the
# hashes of their bytes. With a commit as its word it begins anew with that one: where worlds were added, or numbers
# changed on purpose (kNumericsVersion).
set -euo pipefail
cd "$(dirname "$0")/../.."

frozen=tests/frozen/frozen.json
commit=${1:-$(sed -n 's/^{"commit": "\(.*\)",$/\1/p' "$frozen")}
if [ $# -gt 0 ]; then rm -f "$frozen"; fi
scratch=$(mktemp -d -t peftgrid-frozen-XXXXXX)
trap 'git worktree remove --force "$scratch/$commit" 2>/dev/null || true; rm -rf "$scratch"' EXIT
git worktree add --quiet --detach "$scratch/$commit" "$commit"
"$scratch/$commit/setup.sh"
./setup.sh --target record_frozen
build/release/tests/record_frozen "$scratch/$commit/build/orchestrator" "$commit" "$frozen"
