# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tokenizer of uncased BERT models: lower-case words without accents and
single punctuation marks, each cut greedily into the longest known pieces."""

import unicodedata

import numpy as np

MAX_WORD = 100


class WordPiece:
    """Token numbers of sentences, by a vocabulary with one piece a line."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.ids = {line.rstrip("\n"): i for i, line in enumerate(file)}

    def words(self, text):
        """Words and punctuation marks, lower-case, without accents."""
        text = unicodedata.normalize("NFD", text.lower())
        spaced = []
        for char in text:
            kind = unicodedata.category(char)
            if kind == "Mn":
                continue
            # ASCII symbols such as $ and + count as punctuation too.
            mark = kind.startswith("P") or (
                char.isascii() and not char.isalnum() and not char.isspace()
            )
            spaced.append(f" {char} " if mark else char)
        return "".join(spaced).split()

    def pieces(self, word):
        """Numbers of the pieces of one word; the unknown token if none fit."""
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            end = next(
                (e for e in range(len(word), start, -1)
                 if prefix + word[start:e] in self.ids),
                None,
            )
            if end is None or len(word) > MAX_WORD:
                return [self.ids["[UNK]"]]
            found.append(self.ids[prefix + word[start:end]])
            start = end
        return found

    def encode(self, text, limit):
        """Numbers of a sentence between [CLS] and [SEP], `limit` at most."""
        tokens = [p for word in self.words(text) for p in self.pieces(word)]
        return [self.ids["[CLS]"], *tokens[: limit - 2], self.ids["[SEP]"]]

    def batch(self, texts, limit):
        """Model inputs for sentences, padded to the longest of them."""
        rows = [self.encode(text, limit) for text in texts]
        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
