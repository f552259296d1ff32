# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m qc.data images|audio|text FOLDER -o x.npz: makes DATA of files.

images: one array [n, 3, size, size] (or [n, 1, ...] with --gray) of floats
    (pixel / 255 - mean) / std; needs Pillow (pip install pillow).
audio: one array [n, samples] of floats in [-1, 1) from 16-bit .wav files, the
    mean of their channels.
text: input_ids and attention_mask [n, length] by a tokenizer.json; needs the
    package tokenizers (pip install tokenizers). Every line of every .txt file
    that is not blank is a sample.

Files are taken in the order of their names. Where all images or sounds lie in
subfolders, these are classes: `labels` holds the index of each file's folder in
the order of their names. The output is written whole or not at all.
"""

import argparse
import importlib
import os
import sys
import wave

import numpy as np

SUFFIXES = {"images": (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"),
            "audio": (".wav",), "text": (".txt",)}


class DataError(Exception):
    """What is wrong with the files or options, in one line."""


def find_files(folder, kind):
    """Files of the kind in the order of their names, and their classes or None."""
    if not os.path.isdir(folder):
        raise DataError(f"{folder}: found no such folder")
    found = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES[kind]):
                found.append(os.path.join(root, name))
    if not found:
        raise DataError(f"{folder}: found no file with "
                        f"{', '.join(SUFFIXES[kind])}")
    tops = [os.path.relpath(path, folder).split(os.sep) for path in found]
    if any(len(parts) < 2 for parts in tops):
        return found, None
    classes = sorted({parts[0] for parts in tops})
    return found, np.array([classes.index(parts[0]) for parts in tops])


def needed(module, package):
    """A module that is not part of Python or NumPy."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise DataError(f"found no package {package}, expected it for this kind "
                        f"of data: pip install {package}") from None


def channel_numbers(option, text, channels):
    """One number, or one for each channel."""
    try:
        numbers = np.array([float(part) for part in text.split(",")], np.float32)
    except ValueError:
        numbers = np.array([])
    if len(numbers) not in (1, channels) or not np.isfinite(numbers).all():
        raise DataError(f"{option}: found '{text}', expected one number or "
                        f"{channels}, separated by commas")
    return numbers


def read_images(paths, options):
    image_module = needed("PIL.Image", "pillow")
    channels = 1 if options.gray else 3
    mean = channel_numbers("--mean", options.mean, channels)
    std = channel_numbers("--std", options.std, channels)
    if not std.all():
        raise DataError(f"--std: found '{options.std}', expected no zero")
    arrays = []
    for path in paths:
        try:
            image = image_module.open(path).convert("L" if options.gray else "RGB")
        except (OSError, ValueError, SyntaxError,
                image_module.DecompressionBombError) as error:
            raise DataError(f"{path}: found {error}, expected an image") from None
        if options.size:
            image = image.resize((options.size, options.size),
                                 image_module.BILINEAR)
        array = np.asarray(image, np.float32).reshape(*image.size[::-1], channels)
        array = (array / 255 - mean) / std
        arrays.append(array if options.nhwc else array.transpose(2, 0, 1))
        if arrays[-1].shape != arrays[0].shape:
            raise DataError(f"{path}: found an image of {image.width}x"
                            f"{image.height}, expected the size of {paths[0]}, "
                            "or --size")
    return {options.name or "input": np.stack(arrays).astype(np.float32)}


def read_sound(path):
    """The samples of a .wav file, and how many there are in a second."""
    try:
        with wave.open(path) as file:
            if file.getsampwidth() != 2:
                raise DataError(f"{path}: found {file.getsampwidth() * 8}-bit "
                                "samples, expected 16-bit ones")
            channels, rate = file.getnchannels(), file.getframerate()
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError, OSError, ValueError) as error:
        what = str(error) or "a file that is cut off"
        raise DataError(f"{path}: found {what}, expected a .wav file") from None
    whole = len(raw) // channels * channels
    if not whole:
        raise DataError(f"{path}: found no samples, expected at least one")
    sound = raw[:whole].reshape(-1, channels).mean(axis=1) / 32768
    return sound.astype(np.float32), rate


def read_audio(paths, options):
    sounds = [read_sound(path) for path in paths]
    for path, (_, rate) in zip(paths, sounds):
        if rate != sounds[0][1]:
            raise DataError(f"{path}: found {rate} samples per second, expected "
                            f"{sounds[0][1]} as in {paths[0]}")
    length = options.length or max(len(sound) for sound, _ in sounds)
    out = np.zeros((len(sounds), length), np.float32)
    for row, (sound, _) in zip(out, sounds):
        row[:min(length, len(sound))] = sound[:length]
    return {options.name or "input": out}


def read_lines(paths):
    """The lines of text files that are not blank."""
    lines = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                lines += [line.strip() for line in file if line.strip()]
        except UnicodeDecodeError as error:
            raise DataError(f"{path}, offset {error.start}: found bytes that are "
                            "no UTF-8, expected text") from None
        except OSError as error:
            raise DataError(f"{path}: found {error.strerror}") from None
    if not lines:
        raise DataError(f"{paths[0]}: found no lines of text, expected at least "
                        "one")
    return lines


def read_text(paths, options):
    tokenizers = needed("tokenizers", "tokenizers")
    lines = read_lines(paths)
    try:
        tokenizer = tokenizers.Tokenizer.from_file(options.tokenizer)
    except Exception as error:  # The package raises nothing more precise.
        raise DataError(f"{options.tokenizer}: found {error}, expected a "
                        "tokenizer.json") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(options.length or 128)
    encoded = tokenizer.encode_batch(lines)
    length = max(len(item.ids) for item in encoded)
    ids = np.zeros((len(encoded), length), np.int64)
    mask = np.zeros((len(encoded), length), np.int64)
    for i, item in enumerate(encoded):
        ids[i, :len(item.ids)] = item.ids
        mask[i, :len(item.ids)] = 1
    return {options.name or "input_ids": ids, "attention_mask": mask}


def save(path, arrays):
    """Writes the .npz under a temporary name, then gives it its own."""
    fresh = f"{path}.{os.getpid()}.npz"
    try:
        np.savez(fresh, **arrays)
        os.replace(fresh, path)
    except OSError as error:
        if os.path.exists(fresh):
            os.unlink(fresh)
        raise DataError(f"{path}: found {error.strerror}, expected a file that "
                        "can be written") from None


def positive(text):
    """A number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"found {number}, expected 1 or more")
    return number


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m qc.data",
                                     description="Makes data for qc.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    images = kinds.add_parser("images", help="arrays of pixels (needs Pillow)")
    audio = kinds.add_parser("audio", help="arrays of samples from .wav files")
    text = kinds.add_parser("text", help="tokens of lines (needs tokenizers)")
    for kind in (images, audio, text):
        kind.add_argument("folder")
        kind.add_argument("-o", dest="output", required=True, metavar="x.npz")
        kind.add_argument("--name", help="name of the input")
    images.add_argument("--size", type=positive, help="width and height")
    images.add_argument("--mean", default="0", help="one number or a,b,c")
    images.add_argument("--std", default="1", help="one number or a,b,c")
    images.add_argument("--gray", action="store_true", help="one channel")
    images.add_argument("--nhwc", action="store_true", help="channels last")
    audio.add_argument("--length", type=positive, help="samples of each")
    text.add_argument("--length", type=positive, help="tokens at most (128)")
    text.add_argument("--tokenizer", required=True, help="tokenizer.json")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    read = {"images": read_images, "audio": read_audio, "text": read_text}
    try:
        paths, labels = find_files(options.folder, options.kind)
        arrays = read[options.kind](paths, options)
        if labels is not None and options.kind != "text":
            arrays["labels"] = labels
        save(options.output, arrays)
    except DataError as error:
        sys.exit(f"error: {error}")
    for name, array in arrays.items():
        print(f"{name}: {array.dtype} {list(array.shape)}")


if __name__ == "__main__":
    main()
