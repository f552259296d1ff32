# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How lit runs the tests in this folder: *.mlir and *.test with RUN lines.

Tools of the build and of LLVM are in PATH. Substitutions:
  %shared    folder with models and data (needs REQUIRES: shared-data)
  %src_root  source tree        %bin_root  build tree
  %python    Python with numpy, onnx, onnxruntime
  %cc        host C compiler, as an application would use it
  %onednn    folder of libdnnl (needs REQUIRES: onednn)
Features: shared-data, onednn, asan, fuzzer (libFuzzer targets are built),
tokenizers and llama_cpp (those Python packages are there; the latter is
llama-cpp-python), x86_64 or aarch64, qemu-aarch64,
cpu-FLAG for the flags of this machine's CPU that code generation cares about.
"""

import importlib.util
import os
import platform
import shutil

import lit.formats

config.name = "QC"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.qc_binary_root, "test")

config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.qc_binary_root, "bin"),
        config.llvm_tools_dir,
        config.environment["PATH"],
    ]
)
config.environment["PYTHONPATH"] = os.path.join(config.qc_source_root, "python")
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
config.environment["QC_SHARED_DATA"] = config.shared_data
# Tests ask for the same kernels over and over, and leave the user's cache alone.
config.environment["QC_CACHE"] = os.path.join(config.qc_binary_root, "cache")

config.substitutions += [
    ("%shared", config.shared_data),
    ("%src_root", config.qc_source_root),
    ("%bin_root", config.qc_binary_root),
    ("%python", config.python),
    ("%cc", config.host_cc),
    ("%onednn", config.onednn),
]

if os.path.isfile(os.path.join(config.shared_data, "data", "SHA256SUMS")):
    config.available_features.add("shared-data")
if config.onednn:
    config.available_features.add("onednn")
if config.sanitize:
    config.available_features.add("asan")
config.available_features.add(platform.machine())
if os.path.exists(os.path.join(config.qc_binary_root, "bin", "fuzz-onnx-reader")):
    config.available_features.add("fuzzer")
for package in ("llama_cpp", "tokenizers"):
    if importlib.util.find_spec(package):
        config.available_features.add(package)
if shutil.which("qemu-aarch64-static"):
    config.available_features.add("qemu-aarch64")


def cpu_flags():
    """Flags of the first CPU in /proc/cpuinfo; empty where there is none."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in ("flags", "Features"):
                    return set(value.split())
    except OSError:
        pass
    return set()


for flag in ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
             "amx_int8", "asimddp", "i8mm"):
    if flag in cpu_flags():
        config.available_features.add("cpu-" + flag.replace("_", ""))
