# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# each.sh PYTHON INPUTS SHARED ROOT STEP COMMAND...: compiled.py for a trained
# tokenizer of each kind and for those of the shared models.
set -eu
python=$1 inputs=$2 shared=$3 root=$4
shift 4
for kind in gpt2 llama3 qwen2 digits gemma metaspace words; do
  "$python" "$inputs/make.py" $kind "$shared" "$root"
  "$python" "$inputs/compiled.py" $kind.json "$shared" "$root" "$@"
done
for model in stories260k-llama gutenberg-llama-6m; do
  "$python" "$inputs/compiled.py" "$shared/data/$model/tokenizer.json" \
    "$shared" "$root" "$@"
done
