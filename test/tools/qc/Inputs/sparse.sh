# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sparse.sh PYTHON SCRIPT FORM INNER ACTIVATIONS: a product at every level.
set -e
$1 $2 make "$3" "$4" $5
qc-run net.mlir --inputs in.npz -o qdq.npz
qc compile net.mlir --emit integer > integer.mlir
qc compile net.mlir --emit packed --target x86-64 > packed.mlir
qc-run integer.mlir --inputs in.npz -o integer.npz
qc-run packed.mlir --inputs in.npz -o packed.npz
for target in x86-64-v2 x86-64-v3 aarch64 aarch64+dotprod; do
  qc compile net.mlir -o $target --force --target $target 2> notes
  qc run $target --inputs in.npz -o $target.npz
done
# Float sums may be in any order, and so may be what is rounded after them.
kind=same
test $5 = float && kind=near
$1 $2 $kind integer.npz packed.npz x86-64-v2.npz x86-64-v3.npz aarch64.npz \
  aarch64+dotprod.npz
$1 $2 near qdq.npz integer.npz
