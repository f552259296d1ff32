//===- InspectLanguage.cpp - qc inspect of language models ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files of a language model say of it.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Pipelines/LanguageFiles.h"
#include "qc/Support/TemporaryFolder.h"

#include "llvm/Support/raw_ostream.h"

#include <numeric>

using namespace qc;
using namespace qc::driver;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

static int64_t parametersOf(const llama::ModelConfig &config) {
  int64_t count = 0;
  for (const llama::TensorSpec &tensor : llama::listTensors(config))
    count += std::accumulate(tensor.shape.begin(), tensor.shape.end(),
                             int64_t(1), std::multiplies<>());
  return count;
}

Expected<int> qc::driver::inspectLanguage(Driver &driver, StringRef path) {
  auto context = makeContext();
  // Matrices of a checkpoint are laid out anew, which takes their room.
  TemporaryFolder folder("qc-weights");
  llama::ImportOptions options;
  options.folder = folder.path("");
  options.progress = [&](double done) {
    driver.progress.update("reading", done);
    return !interrupted();
  };
  auto files = readLanguageFiles(*context, path, options);
  if (!files)
    return files.takeError();
  const auto &[model, tokenizer, chat] = *files;
  const llama::ModelConfig &c = model.config;
  json::Object weights;
  for (const auto &[format, bytes] : weightBytesByFormat(*model.module))
    weights[format] = bytes;
  json::Object facts{{"family", c.family},
                     {"parameters", parametersOf(c)},
                     {"vocabulary", c.vocab},
                     {"context", c.context},
                     {"layers", c.layers},
                     {"hidden", c.hidden},
                     {"heads", c.heads},
                     {"kv_heads", c.kvHeads},
                     {"head_size", c.headDim},
                     {"intermediate", c.intermediate},
                     {"tied_embeddings", c.tiedEmbeddings},
                     {"bos", c.bosId},
                     {"ends", json::Array(c.endIds)},
                     {"tokenizer", tokenizer.has_value()},
                     {"chat_template", !chat.text.empty()},
                     {"weight_bytes", std::move(weights)},
                     {"licence", json::fixUTF8(model.licence)}};
  if (driver.json)
    driver.print(std::move(facts));
  else
    printLanguage(facts);
  return ExitDone;
}

void qc::driver::printLanguage(const json::Object &facts) {
  std::vector<StringRef> names;
  for (const auto &fact : facts)
    names.push_back(fact.first);
  llvm::sort(names);
  for (StringRef name : names)
    if (const json::Value *value = facts.get(name))
      llvm::outs() << name << ": " << *value << "\n";
}
