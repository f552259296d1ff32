# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# compare.sh PYTHON SCRIPT NAME...: logits of the quantized and of the float
# form of each model, as the model is written and compiled.
set -e
python=$1 script=$2
shift 2
for name in "$@"; do
  for form in codes plain; do
    for level in model packed; do
      qc compile $name/$form --emit $level --context 32 --cache f32 \
        > $name-$form-$level.mlir 2> notes
      qc-run $name-$form-$level.mlir --inputs in.npz -o $name-$form-$level.npz
    done
  done
  $python $script --compare $name-codes-model.npz $name-plain-model.npz 2e-6
  $python $script --compare $name-codes-packed.npz $name-plain-model.npz 1e-5
done
