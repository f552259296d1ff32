//===- LanguageNet.cpp - A compiled language model, run -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/LanguageNet.h"
#include "Process.h"
#include "Runner/Protocol.h"

#include "qc/Support/Error.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

bool qc::isLanguageModel(const LoadedNet &net) {
  return net.manifest().getObject("language_model") != nullptr;
}

Expected<std::unique_ptr<LanguageNet>>
LanguageNet::create(std::unique_ptr<LoadedNet> net) {
  const llvm::json::Object *facts = net->manifest().getObject("language_model");
  if (!facts)
    return inputError("model-kind", net->name(), "",
                      "a network that is no language model", "one");
  std::unique_ptr<LanguageNet> result(new LanguageNet());
  LanguageInfo &info = result->facts;
  info.family = facts->getString("family").value_or("").str();
  info.vocabulary = facts->getInteger("vocabulary").value_or(0);
  info.context = facts->getInteger("context").value_or(0);
  info.bos = static_cast<int32_t>(facts->getInteger("bos").value_or(-1));
  info.hasTokenizer = facts->getBoolean("tokenizer").value_or(false);
  if (info.vocabulary < 1 || info.context < 1)
    return inputError("bad-manifest", net->name(), "language_model",
                      "sizes that are missing", "those that qc writes");
  result->loaded = std::move(net);
  return result;
}

/// The connection's failure, or what a status of the library means.
Error LanguageNet::check(int64_t status) {
  if (Error error = loaded->process().failure())
    return error;
  return status ? loaded->statusError(status) : Error::success();
}

Error LanguageNet::open(int64_t tokens) {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_OPEN);
  process.sendNumber(tokens);
  process.sendNumber(facts.vocabulary);
  return check(process.receiveNumber());
}

static void sendText(RunnerProcess &process, const void *data, size_t bytes) {
  process.sendNumber(static_cast<int64_t>(bytes));
  process.send(data, bytes);
}

static void sendTokens(RunnerProcess &process, llvm::ArrayRef<int32_t> tokens) {
  sendText(process, tokens.data(), tokens.size() * sizeof(int32_t));
}

Expected<HostTensor> LanguageNet::eval(llvm::ArrayRef<int32_t> tokens, bool all,
                                       int64_t keep) {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_EVAL);
  process.sendNumber(keep);
  process.sendNumber(all);
  sendTokens(process, tokens);
  if (Error error = check(process.receiveNumber()))
    return std::move(error);
  int64_t rows = all ? static_cast<int64_t>(tokens.size()) : 1;
  HostTensor logits =
      HostTensor::uninitialized(DType::F32, {rows, facts.vocabulary});
  if (process.receiveNumber() != static_cast<int64_t>(logits.byteCount()))
    return inputError("library-failed", loaded->name(), "logits",
                      "another size", "a row of the vocabulary each");
  process.receive(logits.mutableBytes(), logits.byteCount());
  if (Error error = process.failure())
    return std::move(error);
  return logits;
}

/// A count or minus a status, then that many elements.
template <typename T>
static Expected<std::vector<T>> receiveList(RunnerProcess &process,
                                            const LoadedNet &net) {
  constexpr int64_t limit = int64_t(1) << 31;
  int64_t count = process.receiveNumber();
  if (Error error = process.failure())
    return std::move(error);
  if (count < 0)
    return net.statusError(-count);
  std::string bytes = process.receiveText(
      static_cast<size_t>(std::min(count, limit)) * sizeof(T));
  if (Error error = process.failure())
    return std::move(error);
  std::vector<T> list(bytes.size() / sizeof(T));
  std::copy_n(bytes.data(), list.size() * sizeof(T),
              reinterpret_cast<char *>(list.data()));
  return list;
}

Expected<std::vector<int32_t>> LanguageNet::tokenize(StringRef text,
                                                     bool addSpecial) {
  if (!facts.hasTokenizer)
    return inputError("no-tokenizer", loaded->name(), "",
                      "a model without a tokenizer",
                      "one with a tokenizer.json");
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_TOKENIZE);
  process.sendNumber(addSpecial);
  sendText(process, text.data(), text.size());
  return receiveList<int32_t>(process, *loaded);
}

Expected<std::string> LanguageNet::detokenize(llvm::ArrayRef<int32_t> tokens) {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_DETOKENIZE);
  sendTokens(process, tokens);
  auto list = receiveList<char>(process, *loaded);
  if (!list)
    return list.takeError();
  return std::string(list->begin(), list->end());
}

Expected<Generation>
LanguageNet::generate(llvm::ArrayRef<int32_t> prompt, int32_t most,
                      const qc_rt_sampling &sampling,
                      llvm::ArrayRef<std::string> stops,
                      llvm::function_ref<bool(StringRef)> text, int64_t keep) {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_GENERATE);
  process.sendNumber(keep);
  sendTokens(process, prompt);
  process.sendNumber(most);
  sendText(process, &sampling, sizeof sampling);
  process.sendNumber(static_cast<int64_t>(stops.size()));
  for (const std::string &stop : stops)
    sendText(process, stop.data(), stop.size());
  while (process.receiveNumber() == 1) {
    std::string piece = process.receiveText(size_t(1) << 24);
    process.sendNumber(text(piece) ? 0 : 1);
  }
  int64_t status = process.receiveNumber();
  Generation result;
  result.tokens = static_cast<int32_t>(process.receiveNumber());
  result.finish = static_cast<int32_t>(process.receiveNumber());
  result.prefillMs = process.receiveDouble();
  result.decodeMs = process.receiveDouble();
  if (Error error = check(status))
    return std::move(error);
  return result;
}

Expected<std::string> LanguageNet::write(llvm::ArrayRef<int32_t> prompt,
                                         int32_t most,
                                         llvm::ArrayRef<std::string> stops) {
  qc_rt_sampling greedy = {};
  greedy.size = sizeof greedy;
  std::string text;
  auto made = generate(
      prompt, most, greedy, stops,
      [&](StringRef piece) {
        text += piece;
        return true;
      },
      0);
  if (!made)
    return made.takeError();
  return text;
}

Expected<ChatTemplate> LanguageNet::chatTemplate() {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_CHAT_TEMPLATE);
  ChatTemplate chat;
  chat.file = loaded->name();
  chat.text = process.receiveText(size_t(1) << 24);
  if (Error error = process.failure())
    return std::move(error);
  const llvm::json::Object *facts =
      loaded->manifest().getObject("language_model");
  if (const llvm::json::Object *tokens = facts->getObject("special_tokens"))
    for (const auto &[name, text] : *tokens)
      if (std::optional<StringRef> value = text.getAsString())
        chat.tokens[name.str()] = value->str();
  return chat;
}

Expected<StepTimes> LanguageNet::time(llvm::ArrayRef<int32_t> tokens,
                                      int64_t prompt) {
  RunnerProcess &process = loaded->process();
  process.sendNumber(QC_RUNNER_STEPS);
  sendTokens(process, tokens);
  process.sendNumber(prompt);
  if (Error error = check(process.receiveNumber()))
    return std::move(error);
  StepTimes times;
  times.promptMs = process.receiveDouble();
  times.tokensMs = process.receiveDouble();
  if (Error error = process.failure())
    return std::move(error);
  return times;
}
