# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""questions.py make FOLDER: the tiny language model of language.py with
questions for it: FOLDER/choice.jsonl and FOLDER/exact.jsonl.
questions.py check METRIC FILE [OTHER]: what qc eval --json said on standard
input of the model (and, compared with it, of the model with its layers in another
order, OTHER) is what NumPy makes of a forward pass in float64.
questions.py stories FOLDER TEXT: FOLDER/stories.jsonl, the ends of sentences of
a text among those of others."""

import json
import os
import sys

import numpy as np

import language
from language import families
from reference import Decoder

NEW = 3
WORDS = ["a", "of", "words", "small", "text", "bytes", "long,", "whole", "cut it",
         "windows", "to", "overlap", "h\u00e9", "two"]


def swapped():
    """The weights with the two layers in the other order."""
    def rename(name):
        for old, new in ((".0.", ".1."), (".1.", ".0.")):
            if old in name:
                return name.replace(old, new)
        return name

    weights = language.weights()
    return {rename(name): value for name, value in weights.items()}


def log_probabilities(model, tokens):
    logits = model.logits(np.array(tokens))
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def greedy(model, text):
    """The bytes that go on with a text; tokens beyond bytes say nothing."""
    tokens = list(text.encode())
    made = b""
    for _ in range(NEW):
        next_token = int(model.logits(np.array(tokens))[-1].argmax())
        tokens.append(next_token)
        if next_token in ends():
            break
        made += bytes([next_token]) if next_token < 256 else b""
        if b"\n" in made:
            return made.split(b"\n")[0]
    return made


def ends():
    end = language.CONFIG["eos_token_id"]
    return end if isinstance(end, list) else [end]


def likeliest(model, question, normal):
    prompt = question["prompt"].encode()
    scores = []
    for choice in question["choices"]:
        tokens = list(prompt + choice.encode())
        rows = log_probabilities(model, tokens)
        score = sum(rows[i - 1, tokens[i]] for i in range(len(prompt), len(tokens)))
        scores.append(score / len(choice.encode()) if normal else score)
    return int(np.argmax(scores))


def right(model, metric, question):
    if metric == "exact-match":
        answer = question["answer"].encode().strip()
        return greedy(model, question["prompt"]).strip() == answer
    answer = question["answer"]
    if isinstance(answer, str):
        answer = question["choices"].index(answer)
    return likeliest(model, question, metric == "choice") == answer


def write(path, questions):
    with open(path, "w") as file:
        for question in questions:
            file.write(json.dumps(question) + "\n")
        file.write("\n")


def make(folder):
    language.make(folder)
    os.chdir(folder)
    families.write_folder("swapped", language.CONFIG, swapped())
    for name in ("tokenizer.json", "tokenizer_config.json"):
        with open(os.path.join("small", name)) as file, \
                open(os.path.join("swapped", name), "w") as copy:
            copy.write(file.read())
    random = np.random.default_rng(3)

    def words(count):
        return " ".join(random.choice(WORDS, count))

    choice = []
    for i in range(60):
        choices = [" " + words(random.integers(1, 4)) for _ in range(2 + i % 3)]
        answer = int(random.integers(len(choices)))
        choice.append({"id": i, "prompt": words(3), "choices": choices,
                       "answer": choices[answer] if i % 4 == 0 else answer})
    write("choice.jsonl", choice)
    model, exact = Decoder(language.CONFIG, language.weights()), []
    while len(exact) < 24:
        prompt = words(3)
        try:
            text = greedy(model, prompt).decode()
        except UnicodeDecodeError:
            text = ""
        if text.strip() or len(exact) % 3:
            exact.append({"prompt": prompt, "answer": f" {text}\n" if text.strip()
                          else "another"})
    write("exact.jsonl", exact)


def check(metric, path, other=None):
    found = json.load(sys.stdin)
    with open(path) as file:
        questions = [json.loads(line) for line in file if line.strip()]
    results = [np.array([right(Decoder(language.CONFIG, weights), metric, q)
                         for q in questions], float)
               for weights in (language.weights(), *([swapped()] if other else []))]
    assert found["metric"] == metric and found["samples"] == len(questions), found
    assert found["value"] == results[0].mean(), (found, results[0].mean())
    assert 0 < found["value"] < 1, found
    if not other:
        return
    difference, pair = found["difference"], results[0] - results[1]
    assert found["reference"]["value"] == results[1].mean(), found
    assert abs(difference["value"] - pair.mean()) < 1e-12, found
    error = pair.std(ddof=1) / len(pair) ** 0.5
    assert abs(difference["stderr"] - error) < 1e-12, (found, error)
    assert difference["only_this_right"] == (pair > 0).sum() > 0, found
    assert difference["only_reference_right"] == (pair < 0).sum() > 0, found
    both = int((results[0] * results[1]).sum())
    assert difference["both_right"] == both, found
    assert sum(difference[key] for key in (
        "both_right", "both_wrong", "only_this_right",
        "only_reference_right")) == len(pair), found
    assert 0 < difference["mcnemar_p"] <= 1, found


def stories(folder, path):
    """The last words of a sentence, or those of the next three."""
    with open(path) as file:
        sentences = [s.strip() for s in file.read().split(".")]
    sentences = [s for s in sentences if 6 <= len(s.split()) <= 20][:484]
    ends_of = [" " + " ".join(s.split()[-3:]) + "." for s in sentences]
    write(os.path.join(folder, "stories.jsonl"), [
        {"prompt": " ".join(s.split()[:-3]), "choices": ends_of[i:i + 4],
         "answer": 0} for i, s in enumerate(sentences[:-4])])


if __name__ == "__main__":
    {"make": make, "check": check, "stories": stories}[sys.argv[1]](*sys.argv[2:])
