#!/usr/bin/env bash
# manual_page.sh VERSION OUTPUT.1.gz [EMULATOR ...] PROGRAM: a manual page of what PROGRAM and each of its commands say with
# --help.
set -euo pipefail
version=$1 output=$2
shift 2
program=("$@")
name=$(basename "${program[-1]}")
help=$("${program[@]}" --help)

as_it_is() {  # as_it_is TEXT: a block that troff neither fills nor reads
  printf '.nf\n'
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/" <<<"$1"
  printf '.fi\n'
}
commands=$(sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\).*/\1/p' <<<"$help")
{
  printf '.TH %s 1 "" "samc %s"\n.SH NAME\n%s \\- segments images with SAM 2\n' "${name^^}" "$version" "$name"
  printf '.SH DESCRIPTION\n'
  as_it_is "$help"
  for command in $commands; do
    printf '.SH %s %s\n' "${name^^}" "${command^^}"
    as_it_is "$("${program[@]}" "$command" --help)"
  done
} | gzip -9n >"$output"
