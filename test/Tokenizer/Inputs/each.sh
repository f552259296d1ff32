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
for file in stories260k-llama/tokenizer.json stories260k-llama/stories260k.gguf \
    gutenberg-llama-6m/tokenizer.json; do
  "$python" "$inputs/compiled.py" "$shared/data/$file" "$shared" "$root" "$@"
done
