#!/usr/bin/env bash
# install_test.sh BUILD SOURCE COMPILER BUILD_TYPE: installs samc into a folder of its own and looks at what users get:
# the sizes promised in the README, no shared LLVM or MLIR, and the example built from the installed package and run.
set -euo pipefail
build=$1 source=$2 compiler=$3 build_type=$4
if [[ $build_type != Release ]]; then
  echo "SKIPPED: a $build_type build; sizes mean something in Release builds only"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/installed" --strip >"$work/install.log" || { cat "$work/install.log"; exit 1; }
samc=$work/installed/bin/samc
library=$(find "$work/installed" -name libsamc_runtime.a)

within() {  # within FILE MEGABYTES
  local size
  size=$(stat -c %s "$1")
  echo "$(basename "$1"), stripped: $((size / 1024)) KB (at most $2 MB)"
  ((size <= $2 * 1000 * 1000))
}
strip --strip-debug "$library"
within "$samc" 15
within "$library" 3

ldd "$samc" >"$work/ldd"
if grep -E 'libLLVM|libMLIR|libprotobuf' "$work/ldd"; then
  echo "samc is linked to the shared libraries above; it must not need them"
  exit 1
fi

cmake -S "$source/examples" -B "$work/example" -DCMAKE_PREFIX_PATH="$work/installed" -DCMAKE_CXX_COMPILER="$compiler" \
  >"$work/example.log" 2>&1 && cmake --build "$work/example" >>"$work/example.log" 2>&1 || { cat "$work/example.log"; exit 1; }
"$samc" compile "$source/tests/data/pico/pico.pt" -o "$work/pico.samc"
"$work/example/segment_minimal" "$work/pico.samc" "$source/tests/data/images/truck.jpg" 500 375 "$work/mask.png"
[[ -s $work/mask.png ]]
