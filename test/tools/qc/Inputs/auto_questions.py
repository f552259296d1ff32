# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""auto_questions.py exact QUESTIONS DIR: the same prompts on stdout, whose
answers are the lines that DIR writes.
auto_questions.py check DIR: what a search on questions says in its report.
"""

import json
import os
import subprocess
import sys


def exact(questions, folder):
    with open(questions) as file:
        prompts = [json.loads(line)["prompt"] for line in file]
    for prompt in prompts:
        line = ["qc", "generate", folder, "--prompt", prompt, "-n", "64",
                "--temp", "0", "--json"]
        text = json.loads(subprocess.run(line, check=True, capture_output=True,
                                         text=True).stdout)["text"]
        print(json.dumps({"prompt": prompt, "answer": text.split("\n")[0]}))


def check(folder):
    with open(os.path.join(folder, "report.json")) as file:
        report = json.load(file)
    search = report["search"]
    chosen = [t for t in search["trials"] if t["chosen"]]
    assert len(chosen) == 1 and chosen[0]["inside"]
    assert report["metric"]["data"]["half"] is True
    assert report["metric"]["samples"] == report["verdict"]["samples"] >= 12
    candidates = [c for row in search["layers"] for c in row["candidates"]
                  if "sqnr_db" in c]
    assert candidates and all(0.5 < c["cosine"] <= 1 and c["kl"] > 0
                              for c in candidates)
    # Alone they sum up to what they do together.
    losses = sum(c["kl"] for c in candidates if c["precision"] == "w4-g32")
    whole = next(t["kl"] for t in search["trials"]
                 if t["origin"] == "uniform" and "w4-g32" in t["choice"])
    assert 0.5 < losses / whole < 2, (losses, whole)


{"exact": exact, "check": check}[sys.argv[1]](*sys.argv[2:])
