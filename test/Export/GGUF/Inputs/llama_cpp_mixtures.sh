#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# llama_cpp_mixtures.sh PYTHON MODEL.gguf MIXTURE...: MODEL in each mixture has the
# types that llama-quantize gives it.
set -e
python=$1 model=$2 peer=$(dirname "$0")/llama_cpp_peer.py
shift 2
for mixture; do
  qc quantize "$model" -o "$mixture.gguf" --precision "$mixture" >"$mixture.log"
done
"$python" "$peer" types "$model" . "$@"
