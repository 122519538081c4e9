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
run=$work/installed/bin/samc-run
library=$(find "$work/installed" -name libsamc_runtime.a)
shared=$(find "$work/installed" -name libsamc.so)

within() {  # within FILE KILOBYTES
  local size
  size=$(stat -L -c %s "$1")
  echo "$(basename "$1"), stripped: $((size / 1000)) kB (at most $2 kB)"
  ((size <= $2 * 1000))
}
strip --strip-debug "$library"
within "$samc" 15000
within "$run" 3000
within "$library" 5000  # kernels for five sets of instructions; sections for each function, a tenth of it
within "$shared" 12000

ldd "$samc" "$run" >"$work/ldd"
ldd "$shared" | grep -v libprotobuf-lite >>"$work/ldd"  # which Debian has for shared libraries as a shared one only
if grep -E 'libLLVM|libMLIR|libprotobuf' "$work/ldd"; then
  echo "samc, samc-run or libsamc.so is linked to the shared libraries above; they must not need them"
  exit 1
fi
if strings "$run" | grep -qE 'mlir::|google::protobuf'; then
  echo "samc-run holds MLIR or protobuf; it must not need them"
  exit 1
fi
[[ -x $work/installed/bin/samc-run-bmodel ]]

cmake -S "$source/examples" -B "$work/example" -DCMAKE_PREFIX_PATH="$work/installed" -DCMAKE_CXX_COMPILER="$compiler" \
  >"$work/example.log" 2>&1 && cmake --build "$work/example" >>"$work/example.log" 2>&1 || { cat "$work/example.log"; exit 1; }
# Each installed header stands alone, and takes no header of a host that has folders of the same names.
for stage in base media package runtime; do
  mkdir -p "$work/host/$stage"
  for header in "$work/installed/include/samc/$stage"/*.h; do
    echo '#error a header of the host' >"$work/host/$stage/$(basename "$header")"
  done
done
find "$work/installed/include/samc" -name '*.h' -o -name '*.hpp' | while read -r header; do
  "$compiler" -std=c++20 -fsyntax-only -I "$work/host" -I "$work/installed/include" -x c++ "$header" 2>"$work/header.log" ||
    { echo "$header"; cat "$work/header.log"; exit 1; }
done
"$samc" compile "$source/tests/data/pico/pico.pt" -o "$work/pico.samc"
"$work/example/segment_minimal" "$work/pico.samc" "$source/tests/data/images/truck.jpg" 500 375 "$work/mask.png"
[[ -s $work/mask.png ]]
# The C example on libsamc.so: from the CMake package, and by what pkg-config says.
export PKG_CONFIG_PATH=$(dirname "$shared")/pkgconfig LD_LIBRARY_PATH=$(dirname "$shared")
read -ra flags <<<"$(pkg-config --cflags --libs samc)"
cc -std=c11 -Wall -Wextra -pedantic -Werror "$source/examples/segment.c" -o "$work/segment" "${flags[@]}"
for program in "$work/example/segment" "$work/segment"; do
  "$program" "$work/pico.samc" "$source/tests/data/images/truck.jpg" 500 375 "$work/$(basename "$(dirname "$program")").png"
done
cmp "$work/example.png" "$work/mask.png"
cmp "$work/$(basename "$work").png" "$work/mask.png"
unset LD_LIBRARY_PATH
# The same code behind both programs.
for program in "$samc" "$run"; do
  "$program" segment "$source/tests/data/images/truck.jpg" --model "$work/pico.samc" --point 500,375 \
    --masks-dir "$work/$(basename "$program")" --quiet
done
diff -r "$work/samc" "$work/samc-run"
"$run" encode "$source/tests/data/images/truck.jpg" --model "$work/pico.samc" -o "$work/truck.npz"
"$run" bench --model "$work/pico.samc" --repeat 1 >"$work/bench"
grep -q 'working memory' "$work/bench"
if "$run" segment "$source/tests/data/images/truck.jpg" --model "$source/tests/data/pico/pico.pt" --point 1,1 --json - \
  2>"$work/error"; then exit 1; fi
grep -q 'pico.pt is no compiled module; samc compile makes one' "$work/error"
