# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# group_sums.sh PYTHON SCRIPT PRECISION: the evaluator at level 3 and libraries
# for several levels give the same bits.
set -e
qc compile net.onnx --emit integer --dim n=1:1:8 --precision $3 > integer.mlir
qc-run integer.mlir --inputs in.npz -o integer.npz
for target in x86-64-v2 x86-64-v3 aarch64 aarch64+dotprod; do
  qc compile net.onnx -o $target --force --dim n=1:1:8 --precision $3 \
    --target $target 2> notes
  qc run $target --inputs in.npz -o $target.npz --threads 2
done
$1 $2 --same integer.npz x86-64-v2.npz x86-64-v3.npz aarch64.npz \
  aarch64+dotprod.npz
