#!/usr/bin/env bash
# Makes the Python environment of bench/optuna_reference.py, outside the tree, and prints its python. Python 3.9 or newer.
set -euo pipefail

root=${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid/optuna
if [ ! -e "$root/venv/.complete" ]; then
  "${PYTHON:-python3}" -m venv --clear "$root/venv"
  "$root/venv/bin/pip" install --quiet optuna==5.0.0 >&2
  touch "$root/venv/.complete"
fi
echo "$root/venv/bin/python"
