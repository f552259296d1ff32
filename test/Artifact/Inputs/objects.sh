# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# objects.sh SOURCE-ROOT ARCH OUT LEVEL...: compiles graph.c as generated code
# would be, for qc-make-artifact.
set -e
root=$1 arch=$2 out=$3
shift 3
flags="--target=$arch-linux-gnu -O2 -fPIC -ffp-contract=off -I$root/include"
[ "$arch" = x86_64 ] || flags="$flags -idirafter /usr/$arch-linux-gnu/include"
mkdir -p "$out"
clang $flags -c "$root/test/Artifact/Inputs/graph.c" -o "$out/graph.o"
for level in "$@"; do
  clang $flags -DKERNELS="$level" -c "$root/test/Artifact/Inputs/graph.c" \
    -o "$out/$level.o"
done
