#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# language_models.sh PYTHON COMMAND ...: the same for each of several.
#   logits MODEL...         MODEL as GGUF has the logits of the reference
#   codes MODEL FORMAT...   MODEL in FORMAT, checked by language_model.py
#   again MODEL INPUTS LEVEL PRECISION...
#                           MODEL as GGUF in PRECISION, compiled again, has the
#                           logits of MODEL compiled in PRECISION
#   again-folder ...        the same as a folder of safetensors
set -e
python=$1 command=$2 model=$3
tool=$(dirname "$0")/language_model.py
families=$(dirname "$0")/../../../Import/Llama/Inputs/families.py
shift 2

# run TO FROM OPTION...: outputs of a model for the inputs FROM.npz into TO.npz
run() {
  to=$1 from=$2
  shift 2
  qc compile "$@" --context 64 --cache f32 >"$to.mlir"
  qc-run "$to.mlir" --inputs "$from" -o "$to.npz" >"$to.log"
}

case $command in
logits)
  for model; do
    qc quantize "$model" -o "$model.gguf" >"$model.log"
    run "$model.out" "$model.npz" "$model.gguf" --emit model
    "$python" "$families" check . "$model" "$model.out.npz"
  done
  ;;
codes)
  shift
  for format; do
    qc quantize "$model" -o "$format.gguf" --precision "$format" >"$format.log" 2>&1
    "$python" "$tool" quantized "$format.gguf" "$model" "$format"
  done
  ;;
again | again-folder)
  inputs=$2 level=$3 suffix=.gguf
  test $command = again || suffix=/
  shift 3
  for precision; do
    out=again-$(basename "$model" .gguf)-$precision
    qc quantize "$model" -o "$out$suffix" --precision "$precision" >"$out.log" 2>&1
    run "$out.a" "$inputs" "$model" --precision "$precision" --emit "$level"
    run "$out.b" "$inputs" "$out$suffix" --emit "$level"
    "$python" "$tool" equal "$out.a.npz" "$out.b.npz"
  done
  ;;
esac
