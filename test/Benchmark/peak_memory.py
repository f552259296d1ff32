# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""peak_memory.py [--limit BYTES] COMMAND...: runs a command and prints its time
and its peak memory: `own`, of the process for itself, and `resident`, with the
pages of files, which the system takes back when it needs them. With --limit
(as 4G) a peak of `own` above it is a failure. Linux only."""

import argparse
import subprocess
import sys
import time

UNITS = {"K": 10, "M": 20, "G": 30}


def bytes_of(text):
    if text[-1] in UNITS:
        return int(text[:-1]) << UNITS[text[-1]]
    return int(text)


def memory_of(pid):
    """Own and resident bytes of a process; zeros when it is gone."""
    values = {"RssAnon": 0, "VmRSS": 0}
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name in values:
                    values[name] = int(rest.split()[0]) << 10
    except (OSError, IndexError):
        pass
    return values["RssAnon"], values["VmRSS"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--limit", type=bytes_of)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    start, own, resident = time.time(), 0, 0
    process = subprocess.Popen(arguments.command)
    while process.poll() is None:
        now = memory_of(process.pid)
        own, resident = max(own, now[0]), max(resident, now[1])
        time.sleep(0.01)
    print(f"{time.time() - start:.1f} s, own {own >> 20} MiB, resident "
          f"{resident >> 20} MiB")
    if process.returncode:
        sys.exit(process.returncode)
    if arguments.limit and own > arguments.limit:
        sys.exit(f"error: found {own} bytes, expected at most "
                 f"{arguments.limit}")


if __name__ == "__main__":
    main()
