//===- Process.h - How qc ends: well, interrupted, by a bug -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files for the moment live in one folder that goes with the process; an
// interrupt cleans up and ends it, a crash leaves a folder that reproduces it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_PROCESS_H
#define QC_TOOLS_QC_PROCESS_H

#include <string>

namespace qc::driver {

/// Makes the folder for temporary files and starts to wait for interrupts. Call
/// once, before any other thread is there.
void startProcess();
/// True once the user has interrupted.
bool interrupted();
/// From now on the first interrupt only says so, and a second one ends the
/// process.
void deferInterrupts();
/// Removes the temporary files. Call before the end of main.
void finishProcess();

/// What a crash from now on writes into the reproducer: the command line and
/// the model, if it is not empty.
void setReproducer(const std::string &commandLine, bool json);
void setReproducerModel(const std::string &path);

} // namespace qc::driver

#endif // QC_TOOLS_QC_PROCESS_H
