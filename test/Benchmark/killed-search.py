# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""killed-search.py [--kills N] [--seed N] [--last] WORK -- MODEL OPTIONS

Runs `qc compile MODEL -o WORK/whole OPTIONS`, a search by size, to its end; then
the same into WORK/killed, killed (SIGKILL) N times at random moments of what a
search takes, with --last once more when its last trial is kept, and gone on with
by --resume. Both have to have the same recipe, the
same header and the same library. QC names the driver (qc).
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

QC = os.environ.get("QC", "qc")
SAME = ("recipe.json", ".h", ".a", ".so")


def command(out, options, resume=False):
    return [QC, "compile", *options, "-o", out, *(["--resume"] if resume else [])]


def trials(out):
    path = os.path.join(out + ".partial", "trials.jsonl")
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def kill_once(out, options, resume, seconds):
    """False if it ended before."""
    process = subprocess.Popen(command(out, options, resume),
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    print(f"killed after {seconds:.1f} s, {trials(out)} trials are kept",
          flush=True)
    return True


def kill_last(out, options, moves):
    """Kills it when as many moves of layers are kept as the whole one made."""
    process = subprocess.Popen(command(out, options, os.path.exists(out + ".partial")),
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    path = os.path.join(out + ".partial", "trials.jsonl")
    while process.poll() is None:
        if os.path.exists(path) and read(path).count(b'"origin":"move"') == moves:
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"killed after its last trial, {trials(out)} are kept", flush=True)
            return True
        time.sleep(0.001)
    return False


def read(path):
    with open(path, "rb") as file:
        return file.read()


def compare(one, other):
    names = [name for name in sorted(os.listdir(one)) if name.endswith(SAME)]
    assert len(names) == 4, names
    for name in names:
        a, b = (read(os.path.join(folder, name)) for folder in (one, other))
        assert a == b, f"{name} differs"
        print(f"{name}: {len(a)} bytes, the same")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--last", action="store_true")
    parser.add_argument("work")
    parser.add_argument("options", nargs="+")
    args = parser.parse_args()
    whole, killed = (os.path.join(args.work, name)
                     for name in ("whole", "killed"))
    start = time.monotonic()
    subprocess.run(command(whole, args.options), check=True,
                   stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    with open(os.path.join(whole, "report.json"), encoding="utf-8") as file:
        search = json.load(file)["search"]
    print(f"undisturbed: {seconds:.1f} s, {search['choice']}", flush=True)
    partial = killed + ".partial"
    moments, kills = random.Random(args.seed), 0
    for _ in range(args.kills):
        # What is kept makes later runs shorter.
        if not kill_once(killed, args.options, os.path.exists(partial),
                         moments.uniform(0, 2 * seconds / (args.kills + 1))):
            break
        kills += 1
    moves = [trial["origin"] for trial in search["trials"]].count("move")
    if args.last and kill_last(killed, args.options, moves):
        kills += 1
    if not os.path.exists(killed):
        subprocess.run(command(killed, args.options,
                               os.path.exists(partial)), check=True,
                       stdout=subprocess.DEVNULL)
    print(f"gone on with after {kills} kills")
    compare(whole, killed)


if __name__ == "__main__":
    sys.exit(main())
