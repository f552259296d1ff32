#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cache.sh PYTHON SIZE FOLDER: runs the module of cache.py in three ways.
set -e
python=$1 size=$2 folder=$3 script=$(dirname "$0")/cache.py
"$python" "$script" make "$size" "$folder"
qc-run "$folder/step.mlir" --inputs "$folder/in.npz" -o "$folder/model.npz" >&2
for target in x86-64-v2 host; do
  name=$([ $target = host ] && echo host || echo base)
  qc-opt "$folder/step.mlir" --convert-qc-to-kernels=target=$target \
    >"$folder/$name.mlir"
  qc-run "$folder/$name.mlir" --inputs "$folder/in.npz" -o "$folder/$name.npz" >&2
done
"$python" "$script" check "$size" "$folder" model.npz base.npz host.npz
