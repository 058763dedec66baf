#!/usr/bin/env bash
# Makes the two Python environments whose numbers make_golden.py writes down, outside the tree:
#   a  torch 2.15.0, transformers 5.23.0, peft 0.21.2
#   b  adapters 1.3.0, which does not import under transformers 5, with 4.57.6; torch comes from a
# Prints their folder. Python 3.11; about 3 minutes and 5 GB; what is there already is kept.
set -euo pipefail

root=${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid/golden
python=${PYTHON:-python3}
mkdir -p "$root"

if [ ! -e "$root/a/.complete" ]; then
  "$python" -m venv --clear "$root/a"
  "$root/a/bin/pip" install --quiet torch==2.15.0 transformers==5.23.0 peft==0.21.2 \
    numpy==2.3.5 safetensors==0.8.0 >&2
  touch "$root/a/.complete"
fi

if [ ! -e "$root/b/.complete" ]; then
  "$python" -m venv --clear "$root/b"
  "$root/b/bin/pip" install --quiet transformers==4.57.6 numpy==2.3.5 safetensors==0.8.0 >&2
  "$root/b/bin/pip" install --quiet --no-deps adapters==1.3.0 >&2
  packages=$("$root/b/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  "$root/a/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$packages/torch_of_a.pth"
  touch "$root/b/.complete"
fi

echo "$root"
