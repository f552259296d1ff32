//===- NetworkSpeaker.h - A network that reads and writes -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The steps of a language model run in this
// process, with the tokens that a library of it would write.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_NETWORKSPEAKER_H
#define QC_LIB_EXECUTION_SEARCH_NETWORKSPEAKER_H

#include "qc/Execution/Network.h"
#include "qc/Execution/Speaker.h"
#include "qc/Tokenizer/Tokenizer.h"

namespace qc::search {

class NetworkSpeaker : public Speaker {
public:
  /// `ends` are the tokens that end a text. All of it has to outlive this.
  NetworkSpeaker(Network &net, const Tokenizer &tokenizer,
                 llvm::ArrayRef<int64_t> ends, llvm::StringRef model)
      : net(net), tokenizer(tokenizer), ends(ends), model(model) {}

  std::string name() const override { return model.str(); }
  int64_t context() const override { return net.inputs().back().max[4]; }
  llvm::Expected<std::vector<int32_t>> tokenize(llvm::StringRef text,
                                                bool addSpecial) override;
  llvm::Error open(int64_t tokens) override;
  llvm::Expected<HostTensor> eval(llvm::ArrayRef<int32_t> tokens, bool all,
                                  int64_t keep) override;
  llvm::Expected<std::string> write(llvm::ArrayRef<int32_t> prompt,
                                    int32_t most,
                                    llvm::ArrayRef<std::string> stops) override;

  /// The tokens of what was written last, with the one that ended it.
  llvm::ArrayRef<int32_t> written() const { return tokens; }

private:
  /// The likeliest token after those of the session, which it adds.
  llvm::Expected<int32_t> next(llvm::ArrayRef<int32_t> read, int64_t keep);

  Network &net;
  const Tokenizer &tokenizer;
  llvm::ArrayRef<int64_t> ends;
  llvm::StringRef model;
  HostTensor cache;
  int64_t count = 0;
  std::vector<int32_t> tokens;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_NETWORKSPEAKER_H
