# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compiled.py TOKENIZER SHARED ROOT STEP COMMAND...: a compiled tokenizer in a C
program (tokens.c, started by COMMAND) gives what qc::Tokenizer gives for each
STEP-th line of corpus.py and for random tokens."""

import json
import random
import subprocess
import sys

import compare
import corpus


def compiled(command, tables, lines):
    text = "".join(line + "\n" for line in lines)
    result = subprocess.run([*command, tables], input=text,
                            capture_output=True, encoding="ascii")
    assert result.returncode == 0, (result.returncode, result.stderr)
    return result.stdout.split("\n")[:-1]


def encoded(command, tables, texts, options):
    lines = compiled(command, tables,
                     [f"E {options} {text.encode().hex()}" for text in texts])
    return [[int(token) for token in line.split()] for line in lines]


def random_tokens(size, count):
    generator = random.Random(3)
    for _ in range(count):
        # Ends of the vocabulary are special and byte tokens.
        top = generator.choice([300, size + 5])
        yield [generator.randrange(-1, top)
               for _ in range(generator.randrange(1, 30))]


def main(path, shared, root, step, *command):
    tables = path.rsplit("/", 1)[-1] + ".tables"
    subprocess.run(["qc-tokenize", path, "--tables", tables], check=True)
    texts = corpus.lines(shared, root)
    texts = texts[::int(step)] + texts[-6:]
    tokens = compare.ours(path, texts)
    compare.check("encode", texts, encoded(command, tables, texts, 1), tokens)
    compare.check("plain", texts, encoded(command, tables, texts, 2),
                  compare.ours(path, texts, "--plain"))
    lists = tokens + list(random_tokens(max(map(max, filter(None, tokens))),
                                        len(texts) // 5))
    lines = compiled(command, tables,
                     ["D " + " ".join(map(str, some)) for some in lists])
    decoded = [[bytes.fromhex(part).decode() for part in line.split(" ")]
               for line in lines]
    ours = compare.ours(path, lists)
    compare.check("decode", lists, [d[0] for d in decoded],
                  [d[0] for d in ours])
    compare.check("stream", lists, [d[1] for d in decoded],
                  [d[2] for d in ours])
    print(f"same: {len(texts)} texts, {len(lists)} decoded")


if __name__ == "__main__":
    main(*sys.argv[1:])
