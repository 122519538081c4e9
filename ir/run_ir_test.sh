#!/bin/sh
# run_ir_test.sh SAMC-OPT FILECHECK FILE.mlir: runs each line "// RUN: OPTIONS" of the file as
#   samc-opt OPTIONS FILE | FileCheck FILE
# With "// RUN-FAIL: OPTIONS" samc-opt must fail, and FileCheck reads its messages.
samc_opt=$1 filecheck=$2 file=$3
sed -n -E 's,^// (RUN|RUN-FAIL): ?,\1 ,p' "$file" | {
  ran=0
  while read -r kind options; do
    ran=1
    # shellcheck disable=SC2086  # options are words
    text=$("$samc_opt" $options "$file" 2>&1)
    code=$?
    if [ "$kind" = RUN ] && [ $code -ne 0 ]; then
      echo "samc-opt $options $file failed with $code:" && echo "$text" && exit 1
    fi
    if [ "$kind" = RUN-FAIL ] && [ $code -eq 0 ]; then
      echo "samc-opt $options $file should have failed" && exit 1
    fi
    echo "$text" | "$filecheck" --allow-empty "$file" || exit 1
  done
  [ $ran = 1 ] || { echo "$file has no RUN line"; exit 1; }
}
