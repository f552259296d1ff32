# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m qc.data images|audio|text FOLDER -o x.npz: makes DATA of files.

images: one array [n, 3, size, size] (or [n, 1, ...] with --gray) of floats
    (pixel / 255 - mean) / std; needs Pillow.
audio: one array [n, samples] of floats in [-1, 1) from 16-bit .wav files.
text: input_ids and attention_mask [n, length] by a tokenizer.json; needs the
    package tokenizers. Every line of every .txt file is a sample.

Where all files lie in subfolders, these are classes: `labels` holds the index
of each file's folder in the order of their names.
"""

import argparse
import os
import sys
import wave

import numpy as np

SUFFIXES = {"images": (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"),
            "audio": (".wav",), "text": (".txt",)}


def find_files(folder, kind):
    """Files of the kind in the order of their names, and a class or None."""
    found = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES[kind]):
                found.append(os.path.join(root, name))
    if not found:
        sys.exit(f"error: {folder}: found no file with "
                 f"{', '.join(SUFFIXES[kind])}")
    tops = [os.path.relpath(path, folder).split(os.sep) for path in found]
    if any(len(parts) < 2 for parts in tops):
        return found, None
    classes = sorted({parts[0] for parts in tops})
    return found, np.array([classes.index(parts[0]) for parts in tops])


def numbers(text):
    return np.array([float(part) for part in text.split(",")], np.float32)


def read_images(paths, options):
    from PIL import Image
    arrays = []
    for path in paths:
        image = Image.open(path).convert("L" if options.gray else "RGB")
        if options.size:
            image = image.resize((options.size, options.size), Image.BILINEAR)
        array = np.asarray(image, np.float32) / 255
        array = array[..., None] if array.ndim == 2 else array
        array = (array - numbers(options.mean)) / numbers(options.std)
        arrays.append(array if options.nhwc else array.transpose(2, 0, 1))
    return {options.name or "input": np.stack(arrays).astype(np.float32)}


def read_audio(paths, options):
    arrays = []
    for path in paths:
        with wave.open(path) as file:
            if file.getsampwidth() != 2:
                sys.exit(f"error: {path}: found {file.getsampwidth() * 8}-bit "
                         "samples, expected 16-bit ones")
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            raw = raw.reshape(-1, file.getnchannels()).mean(axis=1)
        arrays.append((raw / 32768).astype(np.float32))
    length = options.length or max(len(array) for array in arrays)
    out = np.zeros((len(arrays), length), np.float32)
    for row, array in zip(out, arrays):
        row[:min(length, len(array))] = array[:length]
    return {options.name or "input": out}


def read_text(paths, options):
    from tokenizers import Tokenizer
    if not options.tokenizer:
        sys.exit("error: text needs --tokenizer FILE")
    tokenizer = Tokenizer.from_file(options.tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(options.length or 128)
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines += [line.strip() for line in file if line.strip()]
    encoded = tokenizer.encode_batch(lines)
    length = max(len(item.ids) for item in encoded)
    ids = np.zeros((len(encoded), length), np.int64)
    mask = np.zeros((len(encoded), length), np.int64)
    for i, item in enumerate(encoded):
        ids[i, :len(item.ids)] = item.ids
        mask[i, :len(item.ids)] = 1
    return {options.name or "input_ids": ids, "attention_mask": mask}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m qc.data",
                                     description="Makes data for qc.")
    parser.add_argument("kind", choices=sorted(SUFFIXES))
    parser.add_argument("folder")
    parser.add_argument("-o", dest="output", required=True)
    parser.add_argument("--name", help="name of the input")
    parser.add_argument("--size", type=int, help="images: width and height")
    parser.add_argument("--mean", default="0", help="images: a,b,c")
    parser.add_argument("--std", default="1", help="images: a,b,c")
    parser.add_argument("--gray", action="store_true", help="images")
    parser.add_argument("--nhwc", action="store_true", help="images")
    parser.add_argument("--length", type=int, help="audio, text: samples, tokens")
    parser.add_argument("--tokenizer", help="text: tokenizer.json")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if not os.path.isdir(options.folder):
        sys.exit(f"error: {options.folder}: found no such folder")
    paths, labels = find_files(options.folder, options.kind)
    read = {"images": read_images, "audio": read_audio, "text": read_text}
    arrays = read[options.kind](paths, options)
    if labels is not None and options.kind != "text":
        arrays["labels"] = labels
    np.savez(options.output, **arrays)
    for name, array in arrays.items():
        print(f"{name}: {array.dtype} {list(array.shape)}")


if __name__ == "__main__":
    main()
