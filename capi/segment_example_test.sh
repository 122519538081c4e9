#!/usr/bin/env bash
# segment_example_test.sh SEGMENT MAKE_TINY_MODULE [UNDER ...]: runs examples/segment.c on a model and an image that
# MAKE_TINY_MODULE writes; UNDER is a command that it is run by.
set -euo pipefail
segment=$1 make=$2
under=("${@:3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$make" "$work/tiny.samc" "$work/image.png"

"${under[@]}" "$segment" "$work/tiny.samc" "$work/image.png" 3 2 "$work/mask.png" | tee "$work/said"
grep -qx 'predicted IoU [-0-9.]*' "$work/said"
[[ $(head -c 4 "$work/mask.png" | tail -c 3) == PNG ]]

# Faults are lines, and nothing is lost on the way out either.
fails() {  # fails TEXT ARGUMENT ...
  local text=$1 code=0
  shift
  "${under[@]}" "$segment" "$@" 2>"$work/error" || code=$?
  [[ $code == 1 ]] && grep -q "$text" "$work/error" || { echo "exit code $code:"; cat "$work/error"; exit 1; }
}
fails 'no-such.samc' "$work/no-such.samc" "$work/image.png" 3 2 "$work/none.png"
fails 'image.png' "$work/image.png" "$work/image.png" 3 2 "$work/none.png"
fails 'tiny.samc' "$work/tiny.samc" "$work/tiny.samc" 3 2 "$work/none.png"
fails 'not finite\|not a number\|NaN' "$work/tiny.samc" "$work/image.png" nan 2 "$work/none.png"
fails 'no-folder' "$work/tiny.samc" "$work/image.png" 3 2 "$work/no-folder/mask.png"
