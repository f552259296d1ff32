# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""auto_language.py DIR: what a search on a text says in its report.

The losses of single layers have to sum up to what networks of one precision
lose: they tell which network is chosen.
"""

import json
import os
import sys

with open(os.path.join(sys.argv[1], "report.json"), encoding="utf-8") as file:
    report = json.load(file)
search = report["search"]
chosen = [t for t in search["trials"] if t["chosen"]]
uniform = {t["choice"].split()[1]: t for t in search["trials"]
           if t["origin"] == "uniform"}
inside = [t["bytes"] for t in uniform.values() if t["inside"]]
assert len(chosen) == 1 and chosen[0]["bytes"] <= min(inside)
for name in ("w8", "w4-g32"):
    losses = [10 ** (-c["sqnr_db"] / 10) for row in search["layers"]
              for c in row["candidates"]
              if c["precision"] == name and "sqnr_db" in c]
    whole = 10 ** (-uniform[name]["sqnr_db"] / 10)
    assert 0.7 < sum(losses) / whole < 1.4, (name, sum(losses), whole)
# Layers tell all three, and what they change of the metric.
for row in search["layers"]:
    for c in row["candidates"]:
        if "sqnr_db" in c:
            assert 0.9 < c["cosine"] <= 1 and c["margin"] != 0, c
            assert abs(c["kl"] - 10 ** (-c["sqnr_db"] / 10)) < 0.01 * c["kl"], c
assert all(row["cosine"] > 0.9 and row["kl"] >= 0 for row in report["layers"]
           if row.get("sensitivity"))
names = {row["name"] for row in search["layers"]}
assert "model.layers.0.self_attn.q_proj" in names and len(names) == 15, names
assert report["verdict"]["samples"] > 8
