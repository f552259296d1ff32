# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# group_sums.sh PYTHON SCRIPT PRECISION [TARGET...]: the evaluator at level 3 and
# libraries for several levels give the same bits.
set -e
python=$1 script=$2 precision=$3
shift 3
[ $# != 0 ] || set -- x86-64-v2 x86-64-v3 aarch64 aarch64+dotprod
qc compile net.onnx --emit integer --dim n=1:1:8 --precision $precision > integer.mlir
qc-run integer.mlir --inputs in.npz -o integer.npz
outputs=
for target; do
  qc compile net.onnx -o $target --force --dim n=1:1:8 --precision $precision \
    --target $target 2> notes
  qc run $target --inputs in.npz -o $target.npz --threads 2
  outputs="$outputs $target.npz"
done
$python $script --same integer.npz $outputs
