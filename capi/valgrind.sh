#!/usr/bin/env bash
# valgrind.sh PROGRAM [ARGUMENT ...]: runs it under valgrind, where no byte may be lost and none read that is not there.
set -euo pipefail
command -v valgrind >/dev/null || { echo "SKIPPED: no valgrind"; exit 77; }
exec valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect,possible \
  --errors-for-leak-kinds=definite,indirect,possible "$@"
