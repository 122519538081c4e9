#!/usr/bin/env bash
# everything_memory_test.sh SAMC MAKE_REFERENCE IMAGE: masks of everything with a model as large as tiny take 400 MB at most, of which
# 200 are its weights, however many batches of points there are.
set -euo pipefail
samc=$1 make_reference=$2 image=$3
most=400000 # kB
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$make_reference" sam2_hiera_tiny "$work/tiny.pt" >"$work/log"
"$samc" compile "$work/tiny.pt" -o "$work/tiny.samc" >>"$work/log" 2>&1
# Small batches, so that there are many.
"$samc" everything "$image" --model "$work/tiny.samc" --points-per-side 16 --points-per-batch 8 --pred-iou-thresh 0.6 \
  --stability-score-thresh 0.8 --json "$work/masks.json" --quiet 2>>"$work/log" &
process=$!
peak=0
while line=$(grep VmHWM "/proc/$process/status" 2>/dev/null); do
  peak=$(tr -dc '0-9' <<<"$line")
  sleep 0.02
done
wait "$process" || { cat "$work/log"; exit 1; }
grep -q '"score"' "$work/masks.json" || { echo "no mask was found"; exit 1; }
echo "peak memory: $((peak / 1000)) MB (at most $((most / 1000)))"
((peak > 150000 && peak <= most))
