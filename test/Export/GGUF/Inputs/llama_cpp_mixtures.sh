#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# llama_cpp_mixtures.sh PYTHON MODEL.gguf MIXTURE...: MODEL in each mixture has the
# types that llama-quantize gives it.
set -e
# llama.cpp's own code for AMX dies of an illegal instruction on some machines.
preload=$PWD/without_amx.so
[ -f "$preload" ] || preload=
python=$1 model=$2 peer=$(dirname "$0")/llama_cpp_peer.py
shift 2
for mixture; do
  qc quantize "$model" -o "$mixture.gguf" --precision "$mixture" >"$mixture.log"
done
LD_PRELOAD=$preload "$python" "$peer" types "$model" . "$@"
