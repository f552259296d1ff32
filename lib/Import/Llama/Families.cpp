//===- Families.cpp - The families of models that are known -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of them, and what every configuration must satisfy, whatever file it
// came from.
//
//===----------------------------------------------------------------------===//

#include "Family.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace qc;
using namespace qc::llama;
using llvm::StringRef;
using llvm::Twine;

llvm::ArrayRef<Family> qc::llama::families() {
  static const Family all[] = {gemma2Family(), llamaFamily(), mistralFamily(),
                               qwen2Family(), qwen3Family()};
  return all;
}

const Family *qc::llama::findFamily(StringRef name) {
  for (const Family &family : families())
    if (family.name == name)
      return &family;
  return nullptr;
}

std::string qc::llama::knownFamilies() {
  std::vector<StringRef> names;
  for (const Family &family : families())
    names.push_back(family.name);
  return llvm::join(names, ", ");
}

void qc::llama::setHeadDim(FirstFault &fault, ModelConfig &config) {
  if (fault.failed())
    return;
  if (config.headDim == 0) {
    if (config.hidden % config.heads)
      return fault.fail("heads", Twine(config.heads) + " heads",
                        "a divisor of the " + Twine(config.hidden) +
                            " hidden elements");
    config.headDim = config.hidden / config.heads;
  }
  config.attentionScale = 1 / std::sqrt(static_cast<double>(config.headDim));
}

void qc::llama::finishConfig(FirstFault &fault, ModelConfig &config) {
  if (fault.failed())
    return;
  if (config.headDim % 2)
    fault.fail("heads", "heads of " + Twine(config.headDim) + " elements",
               "an even number");
  if (config.kvHeads == 0 || config.heads % config.kvHeads)
    fault.fail("heads", Twine(config.kvHeads) + " key-value heads",
               "a divisor of the " + Twine(config.heads) + " heads");
  if (config.window.empty())
    config.window.assign(config.layers, 0);
}

void qc::llama::checkTokens(FirstFault &fault, const ModelConfig &config) {
  if (config.bosId >= config.vocab || config.bosId < -1)
    fault.fail("key 'bos_token_id'", "token " + Twine(config.bosId),
               "one below " + Twine(config.vocab));
  for (int64_t id : config.endIds)
    if (id < 0 || id >= config.vocab)
      fault.fail("key 'eos_token_id'", "token " + Twine(id),
                 "one below " + Twine(config.vocab));
}
