#!/bin/sh
# Files built for AVX2 or AVX-512 must not define weak symbols: the linker may keep theirs for the whole program.
# isa_test.sh LIBRARY [WHY_NOT]: with WHY_NOT it is skipped (77) and says why.
if [ -n "${2:-}" ]; then
  echo "SKIPPED: $2; only Release builds are checked"
  exit 77
fi
found=$(nm -C "$1" | awk '/\.o:$/ { file = $0 } / [WVu] / && file ~ /_avx(2|512)\.cpp\.o:$/ && $1 ~ /^[0-9a-f]+$/ { print file, $0 }')
if [ -n "$found" ]; then
  echo "weak symbols in instruction-set-specific files:"
  echo "$found"
  exit 1
fi
