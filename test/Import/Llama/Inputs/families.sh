#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# families.sh PYTHON FOLDER LEVEL...: the logits of every model at each level.
set -e
python=$1 families=$(cd "$(dirname "$0")" && pwd)/families.py
cd "$2"
shift 2
for name in $("$python" "$families" list); do
  for level; do
    file=$name.$level
    qc compile "$name" --context 64 --cache f32 --emit "$level" >"$file.mlir"
    qc-run "$file.mlir" --inputs "${name%.gguf}.npz" -o "$file.npz" >"$file.log"
    "$python" "$families" check . "$name" "$file.npz"
  done
done
