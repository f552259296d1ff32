//===- Speaker.h - What reads texts and goes on with them -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A language model with one session: a library (LanguageNet.h), or a network in
// this process.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_SPEAKER_H
#define QC_EXECUTION_SPEAKER_H

#include "qc/Support/HostTensor.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace qc {

class Speaker {
public:
  virtual ~Speaker() = default;

  /// For messages.
  virtual std::string name() const = 0;
  /// Most tokens of a session.
  virtual int64_t context() const = 0;

  virtual llvm::Expected<std::vector<int32_t>> tokenize(llvm::StringRef text,
                                                        bool addSpecial) = 0;
  /// Begins a session with room for so many tokens.
  virtual llvm::Error open(int64_t tokens) = 0;
  /// Appends tokens after the first `keep` of the session (-1: all of them).
  /// The logits after each of them, or after the last: [n or 1, vocabulary].
  virtual llvm::Expected<HostTensor> eval(llvm::ArrayRef<int32_t> tokens,
                                          bool all, int64_t keep = -1) = 0;
  /// Reads a prompt into an empty session and goes on with the likeliest
  /// tokens, up to a stop text, an end or `most` of them.
  virtual llvm::Expected<std::string>
  write(llvm::ArrayRef<int32_t> prompt, int32_t most,
        llvm::ArrayRef<std::string> stops) = 0;
};

} // namespace qc

#endif // QC_EXECUTION_SPEAKER_H
