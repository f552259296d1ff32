//===- Language.cpp - qc generate and qc perplexity -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is done with language models: text from them, and how well they predict
// a text.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"

#include "qc/Execution/Perplexity.h"
#include "qc/Tokenizer/ChatTemplate.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

Expected<std::unique_ptr<LanguageNet>>
qc::driver::openLanguage(Driver &driver, StringRef path, int threads,
                         std::optional<int64_t> context) {
  if (Error error = checkModel(path, true))
    return std::move(error);
  LoadOptions load;
  load.threads = threads;
  CompileArguments arguments;
  auto options = arguments.finish();
  if (!options)
    return options.takeError();
  options->context = context;
  // A model stands for itself in full precision.
  options->cache = "f32";
  driver.progress.update("opening", 0);
  auto net = isFolderOfQc(path) ? LoadedNet::open(path, load)
                                : buildTemporary(path, *options, load);
  driver.progress.clear();
  if (!net)
    return net.takeError();
  return LanguageNet::create(std::move(*net));
}

Expected<std::string> qc::driver::readText(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return inputError("file-unreadable", path, "", file.getError().message(),
                      "a text");
  return (*file)->getBuffer().str();
}

//===----------------------------------------------------------------------===//
// qc generate
//===----------------------------------------------------------------------===//

namespace {
struct GenerateCommand {
  std::string model, prompt, file;
  int32_t most = 64;
  std::optional<int64_t> context;
  int threads = 1;
  bool chat = false;
  std::string system;
  std::vector<std::string> stops;
  qc_rt_sampling sampling = {};
};
} // namespace

static StringRef finishName(int32_t finish) {
  switch (finish) {
  case QC_RT_FINISH_END:
    return "end";
  case QC_RT_FINISH_STOP:
    return "stop";
  case QC_RT_FINISH_CALLER:
    return "interrupted";
  case QC_RT_FINISH_CONTEXT:
    return "context";
  default:
    return "length";
  }
}

static double perSecond(int64_t tokens, double ms) {
  return ms > 0 ? static_cast<double>(tokens) * 1e3 / ms : 0;
}

static void reportGeneration(Driver &driver, const std::string &text,
                             int64_t prompt, const Generation &made) {
  double in = perSecond(prompt, made.prefillMs);
  // The first token comes with the prompt.
  double out = perSecond(std::max(made.tokens - 1, 0), made.decodeMs);
  if (driver.json) {
    driver.print(json::Object{{"text", json::fixUTF8(text)},
                              {"prompt_tokens", prompt},
                              {"tokens", made.tokens},
                              {"finish", finishName(made.finish)},
                              {"prefill_tokens_per_s", in},
                              {"decode_tokens_per_s", out}});
    return;
  }
  llvm::outs() << "\n";
  llvm::outs().flush();
  driver.note(llvm::formatv("prompt: {0} tokens, {1:f1} tokens/s; text: {2} "
                            "tokens, {3:f1} tokens/s ({4})",
                            prompt, in, made.tokens, out,
                            finishName(made.finish))
                  .str());
}

/// What the model's own template makes of the prompt: all its special tokens
/// are in the text then.
static Error renderPrompt(GenerateCommand &command, LanguageNet &net) {
  auto chat = net.chatTemplate();
  if (!chat)
    return chat.takeError();
  if (chat->text.empty())
    return inputError("no-chat-template", command.model, "--chat",
                      "a model without a template of chats", "one that has it");
  std::vector<ChatMessage> messages;
  if (!command.system.empty())
    messages.push_back({"system", command.system});
  messages.push_back({"user", command.prompt});
  auto text = renderChat(*chat, messages);
  if (!text)
    return text.takeError();
  command.prompt = std::move(*text);
  return Error::success();
}

/// The prompt's tokens; a model without any for the beginning of a text needs
/// a prompt.
static Expected<std::vector<int32_t>> promptOf(GenerateCommand &command,
                                               LanguageNet &net) {
  if (!command.file.empty()) {
    auto text = readText(command.file);
    if (!text)
      return text.takeError();
    command.prompt = std::move(*text);
  }
  if (command.chat)
    if (Error error = renderPrompt(command, net))
      return std::move(error);
  auto tokens = net.tokenize(command.prompt, !command.chat);
  if (tokens && tokens->empty())
    return inputError("bad-option", command.model, "--prompt", "no tokens",
                      "a text");
  return tokens;
}

static Expected<int> generate(Driver &driver, GenerateCommand &command) {
  if (!command.chat && !command.system.empty())
    return inputError("bad-option", command.model, "--system",
                      "a message without --chat", "--chat beside it");
  auto net =
      openLanguage(driver, command.model, command.threads, command.context);
  if (!net)
    return net.takeError();
  auto prompt = promptOf(command, **net);
  if (!prompt)
    return prompt.takeError();
  auto count = static_cast<int64_t>(prompt->size());
  int64_t most = (*net)->info().context;
  int64_t room = command.context.value_or(std::min(most, count + command.most));
  if (count > room || room > most)
    return inputError("bad-option", command.model, "-c",
                      llvm::Twine(room) +
                          " tokens of context and a prompt of " +
                          llvm::Twine(count),
                      "room for the prompt, at most " + llvm::Twine(most));
  if (Error error = (*net)->open(room))
    return std::move(error);
  std::string text;
  if (!driver.json && !command.chat) {
    llvm::outs() << command.prompt;
    llvm::outs().flush();
  }
  command.sampling.size = sizeof command.sampling;
  auto made = (*net)->generate(*prompt, command.most, command.sampling,
                               command.stops, [&](StringRef piece) {
                                 text += piece;
                                 if (!driver.json) {
                                   llvm::outs() << piece;
                                   llvm::outs().flush();
                                 }
                                 return !interrupted();
                               });
  if (!made)
    return made.takeError();
  reportGeneration(driver, text, count, *made);
  return made->finish == QC_RT_FINISH_CALLER ? ExitInterrupted : ExitDone;
}

void qc::driver::addGenerate(CLI::App &app, Driver &driver) {
  CLI::App *command =
      app.add_subcommand("generate", "Text from a language model");
  auto state = std::make_shared<GenerateCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  CLI::Option *prompt =
      command->add_option("--prompt", state->prompt, "The text to go on with");
  command->add_option("-f", state->file, "A file with that text")
      ->excludes(prompt);
  command->add_option("-n", state->most, "Most tokens to make (64)")
      ->check(CLI::Range(0, INT32_MAX));
  command->add_option("-c", state->context,
                      "Room for tokens, the prompt's included (as needed)");
  command->add_option("--temp", state->sampling.temperature,
                      "Temperature; 0 takes the likeliest token (0)");
  command->add_option("--top-k", state->sampling.top_k,
                      "Only the K likeliest tokens; 0: all (0)");
  command->add_option("--top-p", state->sampling.top_p,
                      "The likeliest tokens that make up P (1)");
  command->add_option("--min-p", state->sampling.min_p,
                      "Tokens with at least P times the largest probability "
                      "(0)");
  command->add_option("--repeat-penalty", state->sampling.repeat_penalty,
                      "Divides the logits of the last 64 tokens (1)");
  command->add_option("--seed", state->sampling.seed, "Seed of the draws (0)");
  command
      ->add_option("--stop", state->stops,
                   "Text to end before; may be given several times")
      ->allow_extra_args(false);
  command->add_flag("--chat", state->chat,
                    "The prompt is a message: the model's own template makes "
                    "the text of it");
  command->add_option("--system", state->system,
                      "With --chat: a message of the system before it");
  command->add_option("--threads", state->threads, "Threads (1)")
      ->check(CLI::Range(1, 1024));
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return generate(driver, *state); };
  });
}

//===----------------------------------------------------------------------===//
// qc perplexity
//===----------------------------------------------------------------------===//

namespace {
struct PerplexityCommand {
  std::string model, text, reference, protocol = "qc", bos;
  std::optional<int64_t> context, stride;
  int threads = 1;
};
} // namespace

/// The request; what is not given depends on the model.
static Expected<PerplexityRequest> requestOf(const PerplexityCommand &command,
                                             const LanguageInfo &info) {
  PerplexityRequest request;
  request.protocol = llvm::StringSwitch<PerplexityProtocol>(command.protocol)
                         .Case("hf", PerplexityProtocol::HF)
                         .Case("llama.cpp", PerplexityProtocol::LlamaCpp)
                         .Default(PerplexityProtocol::QC);
  int64_t usual = request.protocol == PerplexityProtocol::LlamaCpp ? 512 : 2048;
  request.context = command.context.value_or(std::min(info.context, usual));
  request.stride =
      command.stride.value_or(std::max<int64_t>(1, request.context / 2));
  request.bos = command.bos.empty() ? info.bos >= 0 : command.bos == "yes";
  if (request.context < 2 || request.context > info.context)
    return inputError("bad-option", command.model, "--context",
                      llvm::Twine(request.context),
                      "2 to " + llvm::Twine(info.context));
  if (request.stride < 1 || request.stride > request.context)
    return inputError("bad-option", command.model, "--stride",
                      llvm::Twine(request.stride),
                      "1 to " + llvm::Twine(request.context));
  if (request.bos && info.bos < 0)
    return inputError("bad-option", command.model, "--bos", "yes",
                      "no: the model has no token for a beginning");
  return request;
}

static void reportPerplexity(Driver &driver, const PerplexityCommand &command,
                             const PerplexityRequest &request,
                             const Perplexity &found) {
  if (driver.json) {
    auto number = [](std::optional<double> value) {
      return value ? json::Value(*value) : json::Value(nullptr);
    };
    bool strided = request.protocol == PerplexityProtocol::HF;
    driver.print(json::Object{{"ppl", found.perplexity},
                              {"stderr", found.standardError},
                              {"tokens", found.tokens},
                              {"protocol", command.protocol},
                              {"context", request.context},
                              {"stride", strided ? json::Value(request.stride)
                                                 : json::Value(nullptr)},
                              {"bos", request.bos},
                              {"kld", number(found.divergence)},
                              {"top1_agreement", number(found.agreement)}});
    return;
  }
  llvm::outs() << llvm::formatv(
      "perplexity {0:f4} +- {1:f4} ({2} tokens, protocol {3}, context {4})\n",
      found.perplexity, found.standardError, found.tokens, command.protocol,
      request.context);
  if (found.divergence)
    llvm::outs() << llvm::formatv(
        "KL divergence {0:f6}, same likeliest token {1:f2} %\n",
        *found.divergence, *found.agreement * 100);
}

static Expected<int> perplexity(Driver &driver,
                                const PerplexityCommand &command) {
  auto text = readText(command.text);
  if (!text)
    return text.takeError();
  auto net =
      openLanguage(driver, command.model, command.threads, command.context);
  if (!net)
    return net.takeError();
  auto request = requestOf(command, (*net)->info());
  if (!request)
    return request.takeError();
  std::unique_ptr<LanguageNet> reference;
  if (!command.reference.empty()) {
    auto opened = openLanguage(driver, command.reference, command.threads,
                               request->context);
    if (!opened)
      return opened.takeError();
    reference = std::move(*opened);
    if (reference->info().vocabulary != (*net)->info().vocabulary)
      return inputError("model-kind", command.reference, "--reference",
                        "a vocabulary of " +
                            llvm::Twine(reference->info().vocabulary),
                        llvm::Twine((*net)->info().vocabulary));
  }
  auto tokens = (*net)->tokenize(*text, false);
  if (!tokens)
    return tokens.takeError();
  auto windows = cutWindows(*tokens, (*net)->info().bos, *request);
  if (windows.empty())
    return inputError(
        "bad-data", command.text, "", llvm::Twine(tokens->size()) + " tokens",
        "enough for a window of the protocol " + command.protocol);
  auto found =
      measurePerplexity(**net, reference.get(), windows, [&](double done) {
        driver.progress.update("scoring", done);
        return !interrupted();
      });
  if (!found)
    return found.takeError();
  driver.progress.clear();
  reportPerplexity(driver, command, *request, *found);
  return ExitDone;
}

void qc::driver::addPerplexity(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "perplexity", "How well a language model predicts a text");
  auto state = std::make_shared<PerplexityCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  command->add_option("--text", state->text, "The text")->required();
  command->add_option("--context", state->context,
                      "Tokens of a window (the model's, up to 2048; 512 for "
                      "llama.cpp)");
  command->add_option("--stride", state->stride,
                      "Protocol hf: tokens between windows (half the context)");
  command
      ->add_option("--bos", state->bos,
                   "Windows begin with the token of a beginning: yes where "
                   "there is one, or no")
      ->check(CLI::IsMember({"yes", "no"}));
  command
      ->add_option("--protocol", state->protocol, "qc (default), hf, llama.cpp")
      ->check(CLI::IsMember({"qc", "hf", "llama.cpp"}));
  command->add_option("--reference", state->reference,
                      "A model to compare the predictions with");
  command->add_option("--threads", state->threads, "Threads (1)")
      ->check(CLI::Range(1, 1024));
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return perplexity(driver, *state); };
  });
}
