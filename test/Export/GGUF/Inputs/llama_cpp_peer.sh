#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# llama_cpp_peer.sh PYTHON MODEL LIMIT PRECISION...: MODEL as GGUF in each
# precision has the logits in llama.cpp that it has here.
set -e
# llama.cpp's own code for AMX dies of an illegal instruction on some machines.
preload=$PWD/without_amx.so
[ -f "$preload" ] || preload=
python=$1 model=$2 limit=$3 peer=$(dirname "$0")/llama_cpp_peer.py
shift 3
for precision; do
  out=$precision.gguf
  qc quantize "$model" -o "$out" --precision "$precision" >"$out.log" 2>&1
  LD_PRELOAD=$preload "$python" "$peer" inputs "$out" "$model/eval.txt" in.npz
  qc compile "$out" --context 128 --cache f32 --emit model >model.mlir
  qc-run model.mlir --inputs in.npz -o out.npz >"$out.log"
  LD_PRELOAD=$preload "$python" "$peer" logits "$out" in.npz out.npz "$limit"
done
