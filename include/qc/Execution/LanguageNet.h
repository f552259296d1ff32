//===- LanguageNet.h - A compiled language model, run -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The library of a language model behind its public C interface, with one
// session, in a process of its own (LoadedNet.h).
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_LANGUAGENET_H
#define QC_EXECUTION_LANGUAGENET_H

#include "qc/Execution/LoadedNet.h"
#include "qc/Execution/Speaker.h"
#include "qc/Runtime/LanguageModel.h"
#include "qc/Tokenizer/ChatTemplate.h"

#include <functional>

namespace qc {

/// What the manifest says of a language model.
struct LanguageInfo {
  std::string family;
  int64_t vocabulary = 0, context = 0;
  /// -1: the model has none.
  int32_t bos = -1;
  bool hasTokenizer = false;
};

struct Generation {
  int32_t tokens = 0;
  /// QC_RT_FINISH_*.
  int32_t finish = 0;
  double prefillMs = 0, decodeMs = 0;
};

/// How long a prompt took, and tokens one by one after it.
struct StepTimes {
  double promptMs = 0, tokensMs = 0;
};

/// Whether the library's manifest says that it is of a language model.
bool isLanguageModel(const LoadedNet &net);

class LanguageNet : public Speaker {
public:
  /// Fails where the library is of another kind of network.
  static llvm::Expected<std::unique_ptr<LanguageNet>>
  create(std::unique_ptr<LoadedNet> net);

  const LanguageInfo &info() const { return facts; }
  const LoadedNet &net() const { return *loaded; }

  std::string name() const override { return loaded->name(); }
  int64_t context() const override { return facts.context; }
  llvm::Expected<std::vector<int32_t>> tokenize(llvm::StringRef text,
                                                bool addSpecial) override;
  llvm::Error open(int64_t tokens) override;
  llvm::Expected<HostTensor> eval(llvm::ArrayRef<int32_t> tokens, bool all,
                                  int64_t keep = -1) override;
  llvm::Expected<std::string> write(llvm::ArrayRef<int32_t> prompt,
                                    int32_t most,
                                    llvm::ArrayRef<std::string> stops) override;

  llvm::Expected<std::string> detokenize(llvm::ArrayRef<int32_t> tokens);
  /// Appends a prompt and draws tokens; `text` gets what they say and may stop
  /// by false.
  llvm::Expected<Generation>
  generate(llvm::ArrayRef<int32_t> prompt, int32_t most,
           const qc_rt_sampling &sampling, llvm::ArrayRef<std::string> stops,
           llvm::function_ref<bool(llvm::StringRef)> text, int64_t keep = -1);
  /// The model's template of chats, with no text where it has none.
  llvm::Expected<ChatTemplate> chatTemplate();
  /// Times the first `prompt` tokens at once in an empty session, then the
  /// others one by one.
  llvm::Expected<StepTimes> time(llvm::ArrayRef<int32_t> tokens,
                                 int64_t prompt);

private:
  LanguageNet() = default;
  llvm::Error check(int64_t status);

  std::unique_ptr<LoadedNet> loaded;
  LanguageInfo facts;
};

} // namespace qc

#endif // QC_EXECUTION_LANGUAGENET_H
