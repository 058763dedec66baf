#!/usr/bin/env bash
# Brings a Debian 12 machine to the point where `cmake --preset release` works: system packages, LibTorch and NCCL
# out of their wheels, the tokenizers crate, the build itself. Fetches only what is missing; says what it does.
# Use: ./setup.sh [--target NAME]    builds NAME (default: the program alone)
set -euo pipefail
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/peftgrid
target=orchestrator
if [[ ${1:-} == --target ]]; then target=$2; fi

say() { printf '[%4ss] %s\n' "$SECONDS" "$*"; }

packages=(build-essential cmake ninja-build ccache pkg-config git unzip xz-utils python3 python3-pip
  openmpi-bin libopenmpi-dev libhdf5-dev libyaml-cpp-dev libboost-dev libboost-program-options-dev
  libfmt-dev nlohmann-json3-dev libssl-dev zlib1g-dev librandom123-dev libgtest-dev libgmock-dev libmimalloc-dev gnuplot-nox)
# A third of a gigabyte that only tests want.
[[ $target == orchestrator ]] || packages+=(clang clang-format libclang-rt-14-dev slurm-wlm slurm-client munge)

install_packages() {
  local missing=() wanted=("${packages[@]}")
  cargo_is_new_enough || wanted+=(cargo-web rustc-web)
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == 'install ok installed' ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    if sudo -n true 2>/dev/null; then as_root=(sudo); else
      printf 'An administrator must run this line once, then start me again:\n  apt-get install -y --no-install-recommends %s\n' \
        "${missing[*]}" >&2
      exit 1
    fi
  fi
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=120 update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qq -y \
    --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 || { tail -n 20 "$cache/apt.log" >&2; exit 1; }
}

# The tokenizers crate needs cargo 1.80; Debian's own package is older, its cargo-web is not.
cargo_is_new_enough() {
  local version
  version=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [[ -n $version && $(printf '1.80.0\n%s\n' "$version" | sort -V | head -n1) == 1.80.0 ]]
}

# Platform tags are named one by one so that the host's own Python and libc do not decide what is fetched.
fetch_wheel() { # NAME VERSION SHA256
  local name=$1 version=$2 sha=$3 folder=$cache/wheels/$1-$2
  [[ -e $folder/.complete ]] && return 0
  say "fetching $name $version"
  rm -rf "$folder"
  mkdir -p "$folder"
  local tags=(--platform manylinux1_x86_64 --platform manylinux2014_x86_64)
  for minor in {17..28}; do tags+=(--platform "manylinux_2_${minor}_x86_64"); done
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --implementation cp "${tags[@]}" -d "$folder" "$name==$version"
  local wheel
  wheel=$(echo "$folder"/*.whl)
  if ! sha256sum --status -c <<<"$sha  $wheel"; then
    echo "setup: $name $version has another SHA-256 than cmake/wheels.txt says; it was removed" >&2
    rm -rf "$folder"
    return 1
  fi
  # The Python side of torch is of no use here.
  local left_out=()
  [[ $name == torch ]] && left_out=(-x '*.py' '*.pyi')
  unzip -q -o "$wheel" -d "$folder" "${left_out[@]}"
  rm "$wheel"
  touch "$folder/.complete"
}

fetch_wheels() {
  # A machine with a LibTorch of its own names it: PEFTGRID_TORCH=<folder of the torch package> ./setup.sh
  local name version sha
  while read -r name version sha; do
    [[ $name == torch && -n ${PEFTGRID_TORCH:-} ]] && continue
    fetch_wheel "$name" "$version" "$sha" || return 1
  done < <(grep -v '^#' cmake/wheels.txt)
  mkdir -p .deps
  while read -r name version sha; do ln -sfn "$cache/wheels/$name-$version" ".deps/$name"; done \
    < <(grep -v '^#' cmake/wheels.txt)
  [[ -z ${PEFTGRID_TORCH:-} ]] || { mkdir -p .deps/torch && ln -sfn "$PEFTGRID_TORCH" .deps/torch/torch; }
}

mkdir -p "$cache"
install_packages
# The crate compiles (about two minutes of one core) from now on, while half a gigabyte of wheels comes in; the build
# below waits for it where it needs it, and tells where it failed.
(cd worker/tokenizer && cargo build -q --release --locked --target-dir "$cache/cargo" >"$cache/cargo.log" 2>&1) &
fetch_wheels
[[ -e build/release/build.ninja ]] || say "configuring"
cmake --preset release >"$cache/configure.log" 2>&1 || { tail -n 30 "$cache/configure.log" >&2; exit 1; }
say "building $target"
cmake --build --preset release --target "$target" >"$cache/build.log" 2>&1 || { tail -n 60 "$cache/build.log" >&2; exit 1; }
say "ready"
