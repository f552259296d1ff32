# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py TOKENIZER.json SHARED ROOT [OTHER...]: qc-tokenize and the package
`tokenizers` agree on the lines of corpus.py: their tokens, what the tokens
decode to, and what random tokens decode to. qc-tokenize reads the OTHER files
too, .gguf of the same tokenizer."""

import json
import random
import subprocess
import sys

import tokenizers

import corpus


def ours(path, values, *options):
    text = "".join(json.dumps(value) + "\n" for value in values)
    result = subprocess.run(["qc-tokenize", path, *options], input=text,
                            capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.split("\n")[:-1]]


def check(what, inputs, got, wanted):
    assert len(got) == len(wanted) == len(inputs), (len(got), len(wanted))
    wrong = [i for i in range(len(inputs)) if got[i] != wanted[i]]
    for i in wrong[:3]:
        print(f"{what}: {inputs[i]!r}\n  found    {got[i]}\n"
              f"  expected {wanted[i]}")
    if wrong:
        sys.exit(f"{what}: {len(wrong)} of {len(inputs)} differ")


def random_tokens(reference, count):
    generator = random.Random(2)
    size = reference.get_vocab_size()
    # Ends of the vocabulary are special and byte tokens.
    for _ in range(count):
        top = generator.choice([300, size])
        yield [generator.randrange(top)
               for _ in range(generator.randrange(1, 30))]


def main(path, shared, root, *others):
    reference = tokenizers.Tokenizer.from_file(path)
    reference.no_padding()
    reference.no_truncation()
    texts = corpus.lines(shared, root)
    tokens = [e.ids for e in reference.encode_batch(texts)]
    reference.encode_special_tokens = True
    plain = [e.ids for e in
             reference.encode_batch(texts, add_special_tokens=False)]
    lists = tokens + list(random_tokens(reference, 2000))
    some = reference.decode_batch(lists)
    every = reference.decode_batch(lists, skip_special_tokens=False)
    for file in (path, *others):
        check("encode", texts, ours(file, texts), tokens)
        check("plain", texts, ours(file, texts, "--plain"), plain)
        decoded = ours(file, lists)
        check("decode", lists, [d[0] for d in decoded], some)
        check("decode all", lists, [d[1] for d in decoded], every)
        # Tokens of texts are whole characters: a stream gives the same.
        check("stream", tokens, [d[2] for d in decoded[:len(tokens)]],
              some[:len(tokens)])
    print(f"same: {len(texts)} texts, {sum(map(len, tokens))} tokens, "
          f"{len(lists)} decoded, {1 + len(others)} files")


if __name__ == "__main__":
    main(*sys.argv[1:])
