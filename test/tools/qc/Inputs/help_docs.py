# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""help_docs.py QC DRIVER.md: compares the options of --help with the page.
Each option of a command stands in a section whose heading names the command or
in the one of every command; each option on the page is one of some command."""

import re
import subprocess
import sys

OPTION = re.compile(r"^ {2}(-[-a-zA-Z0-9,]+)", re.M)
COMMAND = re.compile(r"^ {2}([a-z]+) {2,}", re.M)
WORD = re.compile(r"`[^`]*`")
NAME = re.compile(r"(?<![\w-])(--?[a-zA-Z][-a-zA-Z0-9]*)")
EVERY = "Options of every command"


def help_text(words):
    return subprocess.run([*words, "--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def options(text):
    """The spellings of the options in the text of --help."""
    return {name for group in OPTION.findall(text)
            for name in group.split(",")}


def mentioned(text):
    """The options within back quotes, without programs and their options."""
    quoted = [word for word in WORD.findall(text)
              if not word.startswith("`python")]
    return set(NAME.findall(" ".join(quoted)))


def main(qc, path):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    parts = re.split(r"^## (.*)$", page, flags=re.M)
    sections = {name: mentioned(text)
                for name, text in zip(parts[1::2], parts[2::2])}
    top = help_text([qc])
    commands = COMMAND.findall(top.split("Subcommands:")[1])
    faults, known = [], options(top)
    for command in commands:
        has = options(help_text([qc, command]))
        known |= has
        told = set(sections[EVERY])
        for name, words in sections.items():
            if command in name.split():
                told |= words
        faults += [f"{command} {name}: not on the page" for name in has - told]
    faults += [f"{name}: only on the page"
               for name in mentioned(page) - known]
    for fault in sorted(faults):
        print(fault)
    if not commands:
        sys.exit("no commands in --help")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main(*sys.argv[1:])
