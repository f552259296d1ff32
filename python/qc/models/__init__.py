# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX graphs of published models, built around their own weight files."""
