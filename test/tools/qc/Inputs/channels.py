# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""channels.py order DATA MODEL DIR...  each network is at least as far from the
                                     model as the one before it, by SQNR
channels.py smaller DIR DIR SHARE    weights of the second take less than SHARE of
                                     the first's, and its arena is no larger"""

import json
import subprocess
import sys


def order(data, reference, *folders):
    values = []
    for folder in folders:
        found = subprocess.run(
            ["qc", "eval", folder, "--data", data, "--metric", "sqnr",
             "--reference", reference, "--dim", "N=1:1:1", "--json"],
            check=True, stdout=subprocess.PIPE, text=True)
        values.append(json.loads(found.stdout)["value"])
    print(values)
    assert values == sorted(values, reverse=True), values
    assert values[0] > values[-1] + 1, values


def report(folder):
    with open(f"{folder}/report.json", encoding="utf-8") as file:
        return json.load(file)


def smaller(first, second, share):
    a, b = report(first), report(second)
    print(a["bytes"], b["bytes"], a["memory"], b["memory"])
    assert b["bytes"]["weights"] < float(share) * a["bytes"]["weights"]
    assert b["memory"]["arena"] <= a["memory"]["arena"]


globals()[sys.argv[1]](*sys.argv[2:])
