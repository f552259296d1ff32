#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# kept.sh PYTHON NAME...: the checkpoint NAME/codes, written again, has the same
# logits.
set -e
python=$1 tool=$(dirname "$0")/../../GGUF/Inputs/language_model.py
shift
for name; do
  qc quantize "$name/codes" -o "$name.out/" >"$name.log"
  for model in "$name/codes" "$name.out"; do
    out=$(echo "$model" | tr / .)
    qc compile "$model" --context 32 --cache f32 --emit qdq >"$out.mlir"
    qc-run "$out.mlir" --inputs in.npz -o "$out.npz" >>"$name.log"
  done
  "$python" "$tool" equal "$name.codes.npz" "$name.out.npz"
done
