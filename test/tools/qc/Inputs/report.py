# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""report.py DIR: report.html needs nothing but itself, is well formed, and has
every number of the layers and trials of report.json."""

import html.parser
import json
import os
import sys

# Elements without an end, those of SVG that are written `<x ... />` aside.
VOID = {"meta", "input", "br"}


class Page(html.parser.HTMLParser):
    """Checks that elements end in the order in which they began."""

    def __init__(self):
        super().__init__()
        self.open, self.numbers, self.tags = [], set(), []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        for name in ("src", "href", "data", "action"):
            assert name not in values, f"{tag} has {name}={values[name]}"
        if values.get("data-v"):
            self.numbers.add(float(values["data-v"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()


def numbers_of(rows, names):
    for row in rows:
        for name in names:
            value = row.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield name, value
            elif isinstance(value, list):
                yield from ((name, number) for number in value)


def main(folder):
    with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    assert text.startswith("<!doctype html>")
    for outside in ("http:", "https:", "@import", "url(", "fetch("):
        assert outside not in text, outside
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open
    wanted = list(numbers_of(report["layers"], (
        "bytes", "ms", "share", "sqnr_db", "cosine", "kl", "sensitivity")))
    search = report.get("search", {})
    wanted += numbers_of(search.get("trials", []), (
        "bytes", "ms", "value", "margin", "ci95", "sqnr_db"))
    for layer in search.get("layers", []):
        wanted += numbers_of(layer["candidates"][1:], ("sqnr_db",))
    missing = [pair for pair in wanted if float(pair[1]) not in page.numbers]
    assert not missing, missing[:5]
    histograms = sum(("weights" in layer) + ("activations" in layer)
                     for layer in report["layers"])
    print(f"{len(report['layers'])} layers, {len(search.get('trials', []))} "
          f"trials, {histograms} histograms, {page.tags.count('svg')} drawings")


if __name__ == "__main__":
    main(sys.argv[1])
