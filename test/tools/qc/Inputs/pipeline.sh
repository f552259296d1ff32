#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# pipeline.sh LEVELS MODEL [OPTION...]: for each level, the line that qc compile
# --print-pipeline prints gives byte for byte what --emit does.
set -e
levels=$1
shift
for level in $levels; do
  rm -rf pipeline
  qc compile "$@" --emit $level >emitted.mlir
  qc compile "$@" --emit $level --print-pipeline -o pipeline >line.sh
  sh ./line.sh >piped.mlir
  cmp emitted.mlir piped.mlir
  echo "$level: equal, $(wc -c <piped.mlir) bytes"
done
