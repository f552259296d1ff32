# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tokens per second of one language model in qc and in llama.cpp.

    PYTHONPATH=python python test/Benchmark/language-model.py --models FOLDER

Writes a GGUF file with random weights in the shapes of TinyLlama-1.1B into
FOLDER, quantizes it with llama.cpp and compiles that very file with build/bin/qc;
all of that stays there for the next time. Compares the logits of both, and runs
both in this process in turns, with a probe of the bandwidth of reading memory
before every measurement, so that the machine's drift meets each alike. Prints
medians: a prompt taken at once, and tokens one by one after a short text, with
the bytes of weights that these read as a share of the probe. Needs numpy, gguf
and llama-cpp-python from PyPI.
"""

import argparse
import contextlib
import ctypes
import os
import statistics
import subprocess
import threading
import time

import llama_cpp
import numpy

import random_llama
from qc.library import ABI, Options

CONTEXT = 512
# Tokens before those that are timed one by one.
PAST = 8
# Both round activations to 8 bits, in blocks of other sizes, which random layers
# amplify; logits that have nothing to do with each other differ by 1.4.
LOGITS_DIFFER = 0.1


class Ours:
    """The library that `qc compile` makes of a GGUF file, through ctypes."""

    name = "qc"

    def __init__(self, folder, threads):
        self.library = ctypes.CDLL(os.path.join(folder, "liblm.so"))
        weights = os.path.join(folder, "lm.weights")
        options = Options(size=ctypes.sizeof(Options), threads=threads,
                          device=-1, weights_file=os.fsencode(weights))
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.library.lm_open(
            ctypes.c_uint32(ABI), ctypes.byref(options),
            ctypes.byref(self.model)))
        self.check(self.library.lm_session_open(
            self.model, CONTEXT, None, ctypes.c_size_t(0),
            ctypes.byref(self.session)))
        self.logits = numpy.empty(random_llama.Shape.vocabulary, numpy.float32)

    @staticmethod
    def check(status):
        if status:
            raise RuntimeError(f"the library of qc gave the status {status}")

    def clear(self):
        self.library.lm_session_truncate(self.session, 0)

    def eval(self, tokens):
        list_of_one = (ctypes.POINTER(ctypes.c_int32) * 1)(tokens)
        self.check(self.library.lm_eval(
            ctypes.byref(self.session), list_of_one,
            ctypes.byref(ctypes.c_int32(len(tokens))), 1,
            self.logits.ctypes.data_as(ctypes.c_void_p), None))

    def last_logits(self):
        return self.logits

    def close(self):
        self.library.lm_session_close(self.session)
        self.library.lm_close(self.model)


class LlamaCpp:
    """The same file in llama.cpp, with its own defaults."""

    name = "llama.cpp"

    def __init__(self, path, threads):
        self.model = llama_cpp.llama_model_load_from_file(
            path.encode(), llama_cpp.llama_model_default_params())
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = CONTEXT
        options.n_batch = options.n_ubatch = CONTEXT
        options.n_threads = options.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, options)
        if not self.context:
            raise RuntimeError(f"llama.cpp does not run {path}")

    def clear(self):
        llama_cpp.llama_memory_clear(
            llama_cpp.llama_get_memory(self.context), True)

    def eval(self, tokens):
        status = llama_cpp.llama_decode(
            self.context, llama_cpp.llama_batch_get_one(tokens, len(tokens)))
        if status:
            raise RuntimeError(f"llama.cpp gave the status {status}")
        # Waits for the result.
        llama_cpp.llama_get_logits_ith(self.context, -1)

    def last_logits(self):
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return numpy.ctypeslib.as_array(
            logits, (random_llama.Shape.vocabulary,)).copy()

    def close(self):
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


class Probe:
    """Bytes per second of reading memory: the C library's search for a byte
    that is not there, through more than the caches hold, by all threads."""

    def __init__(self, threads, size=256 << 20):
        self.find = ctypes.CDLL(None).memchr
        self.find.restype = ctypes.c_void_p
        self.find.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self.parts = [numpy.ones(size, numpy.uint8) for _ in range(threads)]

    def __call__(self):
        def search(part):
            self.find(part.ctypes.data, 0, part.size)

        workers = [threading.Thread(target=search, args=(part,))
                   for part in self.parts[1:]]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        search(self.parts[0])
        for worker in workers:
            worker.join()
        return sum(part.size for part in self.parts) / (
            time.perf_counter() - start)


def tokens_of(numbers):
    return (ctypes.c_int32 * len(numbers))(*numbers)


def quantized(options, kind):
    """The path of the model in a format; made where it is not there."""
    os.makedirs(options.models, exist_ok=True)
    source = os.path.join(options.models, f"random-{options.layers}-f16.gguf")
    path = os.path.join(options.models, f"random-{options.layers}-{kind}.gguf")
    if not os.path.exists(source):
        random_llama.write(source + ".part", random_llama.Shape(options.layers))
        os.rename(source + ".part", source)
    if not os.path.exists(path):
        settings = llama_cpp.llama_model_quantize_default_params()
        settings.ftype = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + kind.upper())
        if llama_cpp.llama_model_quantize(
                source.encode(), (path + ".part").encode(),
                ctypes.byref(settings)):
            raise RuntimeError(f"llama.cpp does not quantize to {kind}")
        os.rename(path + ".part", path)
    return path


def compiled(options, path):
    """The folder that qc makes of a model; made where it is older than either."""
    folder = f"{path.removesuffix('.gguf')}-{options.precision}"
    library = os.path.join(folder, "liblm.so")
    if not os.path.exists(library) or os.path.getmtime(library) < max(
            os.path.getmtime(path), os.path.getmtime(options.qc)):
        subprocess.run([options.qc, "compile", path, "-o", folder, "--name", "lm",
                        "--precision", options.precision,
                        "--context", str(CONTEXT), "--threading", "openmp"],
                       check=True, stdout=subprocess.DEVNULL)
    return folder


def compare(ours, theirs, numbers):
    """The relative difference of the logits after a text and after one token
    more, at most, and how often both find the same token likeliest."""
    differ, same = 0, 0
    for runner in (ours, theirs):
        runner.clear()
    steps = [numbers[:PAST], numbers[PAST:PAST + 1], numbers[PAST + 1:PAST + 2],
             numbers[PAST + 2:]]
    for step in steps:
        for runner in (ours, theirs):
            runner.eval(tokens_of(step))
        x, y = ours.last_logits(), theirs.last_logits()
        differ = max(differ, numpy.linalg.norm(x - y) / numpy.linalg.norm(y))
        same += int(x.argmax() == y.argmax())
    if not differ < LOGITS_DIFFER:
        raise RuntimeError(f"the logits differ by {differ:.3f}, expected less "
                           f"than {LOGITS_DIFFER}")
    return differ, f"{same} of {len(steps)}"


def measure(runner, prompt, ones):
    """Tokens per second of a prompt, and one by one after a short text."""
    runner.clear()
    start = time.perf_counter()
    runner.eval(prompt)
    prefill = len(prompt) / (time.perf_counter() - start)
    runner.clear()
    runner.eval(tokens_of(prompt[:PAST]))
    start = time.perf_counter()
    for one in ones:
        runner.eval(one)
    return prefill, len(ones) / (time.perf_counter() - start)


def interleave(options, runners, probe, numbers):
    """Medians by runner: prefill, decode, and the probe before it."""
    prompt = tokens_of(numbers[:options.prompt])
    ones = [tokens_of([n]) for n in numbers[:options.tokens]]
    seen = {runner.name: [] for runner in runners}
    for _ in range(options.rounds):
        for runner in runners:
            bandwidth = probe()
            seen[runner.name].append((*measure(runner, prompt, ones), bandwidth))
    return {name: [statistics.median(column) for column in zip(*rows)]
            for name, rows in seen.items()}


def report(kind, threads, size, medians, alike):
    mine = medians["qc"]
    for name, (prefill, decode, bandwidth) in medians.items():
        share = decode * size / bandwidth
        print(f"| {kind} | {threads} | {name} | {prefill:.1f} | "
              f"{mine[0] / prefill:.2f} | {decode:.2f} | {mine[1] / decode:.2f}"
              f" | {bandwidth / 1e9:.1f} | {share * 100:.0f} % | "
              f"{alike[0]:.4f}, {alike[1]} |", flush=True)


def cpu_name():
    with open("/proc/cpuinfo") as file:
        facts = dict(line.split(":", 1) for line in file if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    level = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx_vnni")
             if flag in facts.get("flags", "").split()]
    return (f"{facts.get('model name')} (family {facts.get('cpu family')}, "
            f"model {facts.get('model')}; {' '.join(level)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", required=True, help="folder for the models")
    parser.add_argument("--layers", type=int, default=22,
                        help="22 are TinyLlama's")
    parser.add_argument("--formats", nargs="+",
                        default=["Q4_0", "Q4_K_M", "Q8_0", "Q2_K", "TQ2_0"],
                        help="as llama.cpp's file types are called")
    parser.add_argument("--precision", default="keep-a8", help="as qc's")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--qc", default="build/bin/qc")
    options = parser.parse_args()
    quiet = llama_cpp.llama_log_callback(lambda level, text, user: None)
    llama_cpp.llama_log_set(quiet, None)
    llama_cpp.llama_backend_init()

    print(f"{cpu_name()}; llama-cpp-python {llama_cpp.__version__}; "
          f"TinyLlama-1.1B shapes with {options.layers} layers, random weights; "
          f"{options.prompt} tokens at once, {options.tokens} one by one after "
          f"{PAST}; medians of {options.rounds} turns\n")
    print("| format | threads | | prefill tokens/s | qc's is x | decode "
          "tokens/s | qc's is x | probe GB/s | of the probe | logits differ, "
          "same likeliest |\n" + "| --- " * 10 + "|")
    random = numpy.random.default_rng(1)
    numbers = random.integers(300, random_llama.Shape.vocabulary, 512).tolist()
    for kind in options.formats:
        path = quantized(options, kind)
        folder = compiled(options, path)
        for threads in options.threads:
            with contextlib.ExitStack() as closing:
                runners = [Ours(folder, threads), LlamaCpp(path, threads)]
                for runner in runners:
                    closing.callback(runner.close)
                alike = compare(*runners, numbers[:2 * PAST])
                medians = interleave(options, runners, Probe(threads), numbers)
            report(kind, threads, random_llama.bytes_per_token(path), medians,
                   alike)


if __name__ == "__main__":
    main()
