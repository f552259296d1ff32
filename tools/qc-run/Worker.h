//===- Worker.h - Runs one model after another ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The long-lived process behind python/qc/onnx_backend.py: starting a process
// and loading MLIR costs more than most tests.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_RUN_WORKER_H
#define QC_TOOLS_QC_RUN_WORKER_H

#include "llvm/Support/raw_ostream.h"

#include <cstdio>

namespace qc {

/// Serves requests until the end of `in`, one JSON object a line:
///   {"model": "m.onnx", "inputs": "in.npz", "outputs": "out.npz",
///    "fixed": ["shape", ...]}
/// The model is ONNX, imported with the shapes of the inputs; those under
/// "fixed" are constants of the import. It is compiled and run in this process;
/// what has no compiled form is run by the evaluator. Each answer is a line:
///   {"outputs": ["y"], "by": "jit"} or
///   {"outputs": ["y"], "by": "evaluator", "reason": "..."} or
///   {"error": {"code": ..., "found": ..., ...}}.
int runWorker(FILE *in, llvm::raw_ostream &out);

} // namespace qc

#endif // QC_TOOLS_QC_RUN_WORKER_H
