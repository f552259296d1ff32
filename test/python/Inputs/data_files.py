# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""data_files.py KIND FOLDER: makes files, has python -m qc.data read them, and
compares the arrays; then one bad file or option for each way of being wrong."""

import json
import os
import struct
import subprocess
import sys
import wave
import zlib

import numpy as np


def run(*words, without=None):
    """(exit code, output, errors) of qc.data; `without` a package."""
    start = f"import sys; sys.modules[{without!r}] = None; " if without else ""
    code = start + "from qc import data; data.main()"
    done = subprocess.run([sys.executable, "-c", code, *words], text=True,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


def good(*words):
    code, _, errors = run(*words, "-o", "x.npz")
    assert code == 0, errors
    with np.load("x.npz") as arrays:
        return dict(arrays)


def bad(says, *words, output="bad.npz", without=None):
    before = sorted(os.listdir("."))
    code, _, errors = run(*words, "-o", output, without=without)
    print(errors, end="")
    assert code == 1, (code, errors)
    assert errors.startswith("error: ") and errors.count("\n") == 1, errors
    assert says in errors, f"no '{says}'"
    assert sorted(os.listdir(".")) == before, "something was left behind"


def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def png(pixels):
    """An 8-bit PNG of an array [height, width, 3]."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0,
                         0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def images():
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (3, 4, 5, 3)).astype(np.uint8)
    for i, name in enumerate(("cat/b.png", "cat/a.png", "dog/c.png")):
        put(f"images/{name}", png(pixels[i]))
    arrays = good("images", "images", "--mean", "0.5,0.25,0", "--std", "2",
                  "--name", "x")
    wanted = (pixels[[1, 0, 2]] / np.float32(255) -
              np.array([0.5, 0.25, 0], np.float32)) / 2
    assert np.abs(arrays["x"] - wanted.transpose(0, 3, 1, 2)).max() < 1e-6
    assert arrays["labels"].tolist() == [0, 0, 1]
    assert good("images", "images", "--nhwc")["input"].shape == (3, 4, 5, 3)
    assert good("images", "images", "--gray", "--size", "8")[
        "input"].shape == (3, 1, 8, 8)
    # What Pillow writes as JPEG reads back to about the same.
    from PIL import Image
    os.mkdir("jpeg")
    Image.new("RGB", (6, 4), (200, 100, 50)).save("jpeg/a.jpg", quality=95)
    value = good("images", "jpeg")["input"]
    assert np.abs(value[0, :, 2, 2] * 255 - [200, 100, 50]).max() < 4

    put("sizes/a.png", png(pixels[0]))
    put("sizes/b.png", png(pixels[0][:2]))
    bad("b.png: found an image of 5x2", "images", "sizes")
    put("cut/a.png", png(pixels[0])[:60])
    bad("cut/a.png", "images", "cut")
    put("text/a.png", b"hello")
    bad("text/a.png", "images", "text")
    bad("--mean", "images", "images", "--mean", "1,2")
    bad("--std", "images", "images", "--std", "0")
    bad("--std", "images", "images", "--std", "one")
    bad("none: found no such folder", "images", "none")


def without_pillow():
    put("images/a.png", b"")
    bad("pip install pillow", "images", "images", without="PIL")


def sound(path, samples, rate=8000, width=2):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2" if width == 2 else "u1").tobytes())


def audio():
    sound("audio/one.wav", np.array([[100], [-200], [32767]]))
    sound("audio/two.wav", np.array([[10, 20], [-40, 40]]))
    out = good("audio", "audio")
    assert (out["input"] * 32768).tolist() == [[100, -200, 32767], [15, 0, 0]]
    assert "labels" not in out
    assert good("audio", "audio", "--length", "2")["input"].shape == (2, 2)

    sound("eight/a.wav", np.array([[1], [2]]), width=1)
    bad("found 8-bit samples", "audio", "eight")
    sound("rates/a.wav", np.array([[1], [2]]))
    sound("rates/b.wav", np.array([[1], [2]]), rate=16000)
    bad("found 16000 samples per second", "audio", "rates")
    sound("none/a.wav", np.zeros((0, 1)))
    bad("found no samples", "audio", "none")
    with open("audio/one.wav", "rb") as file:
        put("cut/a.wav", file.read()[:20])
    bad("cut/a.wav", "audio", "cut")
    put("text/a.wav", b"hello world, no sound")
    bad("text/a.wav", "audio", "text")
    os.mkdir("empty")
    bad("found no file with .wav", "audio", "empty")
    bad("found no such folder", "audio", "nowhere")
    bad("nowhere/x.npz", "audio", "audio", output="nowhere/x.npz")
    put("there/x", b"")
    bad("there: found", "audio", "audio", output="there")
    code, _, errors = run("audio", "audio", "--length", "0", "-o", "x.npz")
    assert code == 2 and "expected 1 or more" in errors


def tokenizer():
    words = ["[UNK]", "a", "b", "c"]
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [], "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "unk_token": "[UNK]",
                      "vocab": {word: i for i, word in enumerate(words)}}}


def text():
    put("tokenizer.json", json.dumps(tokenizer()).encode())
    put("text/one.txt", b"a b c\n\nb\n")
    put("text/two.txt", b"c x")
    words = ("--tokenizer", "tokenizer.json")
    out = good("text", "text", *words)
    assert out["input_ids"].tolist() == [[1, 2, 3], [2, 0, 0], [3, 0, 0]]
    assert out["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert good("text", "text", "--length", "2", *words)[
        "input_ids"].shape == (3, 2)
    bad("none.json", "text", "text", "--tokenizer", "none.json")
    put("bytes/a.txt", b"abc\xff\n")
    bad("a.txt, offset 3: found bytes that are no UTF-8", "text", "bytes", *words)
    put("blank/a.txt", b"\n \n")
    bad("found no lines of text", "text", "blank", *words)


def without_tokenizers():
    put("text/a.txt", b"a")
    bad("pip install tokenizers", "text", "text", "--tokenizer", "t.json",
        without="tokenizers")


def main(kind, folder):
    os.makedirs(folder)
    os.chdir(folder)
    globals()[kind]()


if __name__ == "__main__":
    main(*sys.argv[1:])
