#!/usr/bin/env bash
# capi_symbols_test.sh LIBSAMC HEADER LIST NM: the functions that the header declares, the list, and what the library
# exports are the same; nothing else is exported; and the fuzz target beside LIST calls each of them.
set -euo pipefail
library=$1 header=$2 list=$3 nm=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Declarations without comments, each on a line of its own.
tr '\n' ' ' <"$header" | sed 's,/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/,,g' | tr ';' '\n' |
  sed -n 's/.*SAMC_API[^(]*[ *]\(samc_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort >"$work/header"
LC_ALL=C sort "$list" >"$work/list"
"$nm" -D --defined-only "$library" >"$work/all"
awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' "$work/all" | LC_ALL=C sort >"$work/exported"

[[ $(wc -l <"$work/header") -ge 40 ]] || { echo "too few functions were found in $header"; exit 1; }
failed=false
compare() {  # compare WHAT FILE
  diff "$work/list" "$work/$2" >"$work/difference" && return
  echo "$list (<) and $1 (>) differ:"
  cat "$work/difference"
  failed=true
}
compare "$header" header
compare "what $library exports" exported
if $failed; then exit 1; fi
# Not fuzzed: what takes no input of value, sets a limit of the process, compiles (checkpoints have a target of their own), or reads
# and writes by a path alone.
not_fuzzed='samc_version samc_has_compiler samc_set_memory_limit samc_compile samc_write_png samc_video_predictor_init_path'
fuzz=$(dirname "$list")/capi_fuzz.cpp
while read -r symbol; do
  if [[ " $not_fuzzed " == *" $symbol "* ]]; then
    ! grep -qw "$symbol" "$fuzz" || { echo "$symbol is fuzzed, and said not to be"; exit 1; }
  else
    grep -qw "$symbol" "$fuzz" || { echo "$fuzz does not call $symbol"; exit 1; }
  fi
done <"$work/list"
# Each symbol has its version, and the library its name.
if awk '$2 != "A" { print $3 }' "$work/all" | grep -v '@@SAMC_'; then
  echo "the symbols above have no version"
  exit 1
fi
objdump -p "$library" | grep -E 'SONAME +libsamc\.so\.[0-9]+$' || { echo "no versioned SONAME"; exit 1; }
echo "$(wc -l <"$work/list") symbols"
