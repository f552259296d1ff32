#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tokenizers.sh PYTHON SHARED ROOT KIND...: trained tokenizers of each kind, in a
# GGUF file, are the same.
set -e
python=$1 shared=$2 root=$3 here=$(dirname "$0")
tests=$root/test/Tokenizer/Inputs
shift 3
for kind; do
  "$python" "$tests/make.py" "$kind" "$shared" "$root"
  "$python" "$here/language_model.py" around "$kind.json" "$kind"
  qc quantize "$kind" -o "$kind.gguf" >"$kind.log"
  "$python" "$tests/compare.py" "$kind.json" "$shared" "$root" "$kind.gguf"
done
