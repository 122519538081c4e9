#!/bin/sh
# Files built for instructions that not every machine has must not define weak symbols: the linker may keep theirs for
# the whole program. isa_test.sh LIBRARY [WHY_NOT]: with WHY_NOT it is skipped (77) and says why.
if [ -n "${2:-}" ]; then
  echo "SKIPPED: $2"
  exit 77
fi
special='_(avx|amx|neon)[a-z0-9_]*[.]cpp[.]o:$'
if ! nm "$1" | grep -Eq "$special"; then
  echo "$1 has no files of an instruction set: this test looks for the wrong names"
  exit 1
fi
found=$(nm -C "$1" | awk -v special="$special" \
  '/\.o:$/ { file = $0 } / [WVu] / && file ~ special && $1 ~ /^[0-9a-f]+$/ { print file, $0 }')
if [ -n "$found" ]; then
  echo "weak symbols in instruction-set-specific files:"
  echo "$found"
  exit 1
fi
