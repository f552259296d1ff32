# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How lit runs the GoogleTest executables of the build, test by test."""

import os

import lit.formats

# Without times of an earlier run lit goes by names. These take the longest, so
# theirs is before "QC".
config.name = "C++"
config.suffixes = []
config.test_exec_root = os.path.join(config.qc_binary_root, "unittests")
config.test_source_root = config.test_exec_root
config.test_format = lit.formats.GoogleTest(".", "Tests")
# Tests that want it are skipped where it is not there.
if os.path.isfile(os.path.join(config.shared_data, "data", "SHA256SUMS")):
    config.environment["QC_SHARED_DATA"] = config.shared_data
config.environment["QC_SOURCE_ROOT"] = config.qc_source_root
config.environment["QC_BINARY_ROOT"] = config.qc_binary_root
config.environment["PATH"] = os.environ["PATH"]
