# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bad_questions.py FOLDER: each way in which a .jsonl or a command on one may be
wrong, with the files of questions.py in FOLDER."""

import os
import sys

import bad_language

GOOD = '{"prompt": "a", "choices": ["b", "c"], "answer": 1}\n'
LINES = [
    (GOOD + "{", ["bad.jsonl:2: "]),
    (GOOD + "[1]", ["bad.jsonl:2: ", "an array", "an object"]),
    ('{"answer": "b"}', ["bad.jsonl:1: ", "key 'prompt'", "found no such key"]),
    ('{"prompt": 1, "answer": "b"}', ["key 'prompt'", "the number 1"]),
    ('{"prompt": "a"}', ["key 'answer'", "found no such key"]),
    ('{"prompt": "a", "answer": 7}', ["key 'answer'", "the number 7"]),
    ('{"prompt": "", "answer": "b"}', ["key 'prompt'", "found no tokens"]),
    ('\n\n{"prompt": "a", "choices": ["b"], "answer": 0}',
     ["bad.jsonl:3: ", "key 'choices'", "found 1 choices"]),
    ('{"prompt": "a", "choices": "b", "answer": 0}', ["key 'choices'"]),
    ('{"prompt": "a", "choices": ["b", 1], "answer": 0}',
     ["key 'choices'", "the number 1"]),
    ('{"prompt": "a", "choices": ["b", ""], "answer": 0}',
     ["key 'choices'", "an empty text"]),
    ('{"prompt": "a", "choices": ["b", "c"], "answer": 2}',
     ["key 'answer'", "the number 2", "0 to 1"]),
    ('{"prompt": "a", "choices": ["b", "c"], "answer": "d"}',
     ["key 'answer'", "'d'", "one of the choices"]),
    ('{"prompt": "a", "choices": ["b", "c"]}', ["key 'answer'"]),
    (GOOD + '{"prompt": "a", "answer": "b"}',
     ["bad.jsonl:2: ", "key 'choices'", "choices for choice"]),
    (GOOD + '{"prompt": "%s", "choices": ["b", "c"], "answer": 0}' % ("a" * 64),
     ["bad.jsonl:2: ", "found 65 tokens", "at most 64"]),
    ('{"prompt": "%s", "answer": "b"}' % ("a" * 64),
     ["bad.jsonl:1: ", "found 65 tokens", "at most 64"]),
    ('{"prompt": "a", "prompt": "b", "answer": "b"}', ["a second one"]),
    ('{"prompt": "\xff", "answer": "b"}', ["bad.jsonl:1: "]),
    ("", ["bad.jsonl", "no questions"]),
    ("\n \n", ["bad.jsonl", "no questions"]),
]
EVAL = ["eval", "lm", "--data"]
COMMANDS = [
    (EVAL + ["missing.jsonl"], ["missing.jsonl"]),
    (EVAL + ["choice.jsonl", "--metric", "top1"],
     ["--metric", "found top1", "exact-match"]),
    (EVAL + ["exact.jsonl", "--metric", "choice"],
     ["exact.jsonl:1: ", "choices for choice"]),
    (EVAL + ["choice.jsonl", "--metric", "ppl"], ["--metric", "qc perplexity"]),
    (EVAL + ["choice.jsonl", "--reference", "missing"], ["missing"]),
    (["eval", "missing", "--data", "choice.jsonl"], ["missing"]),
]


def main(folder):
    os.chdir(folder)
    for text, says in LINES:
        with open("bad.jsonl", "w", encoding="latin-1") as file:
            file.write(text)
        bad_language.fails(EVAL + ["bad.jsonl"], says)
    for words, says in COMMANDS:
        bad_language.fails(words, says)


if __name__ == "__main__":
    main(sys.argv[1])
