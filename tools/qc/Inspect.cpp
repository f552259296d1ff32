//===- Inspect.cpp - qc inspect and qc verify -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model or an artifact is, and whether an artifact is whole.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Table.h"
#include "VerifyMetric.h"

#include "qc/Execution/DataSet.h"
#include "qc/Execution/ReferenceNet.h"
#include "qc/Import/Llama/Import.h"
#include "qc/Support/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
struct InspectCommand {
  std::string model, data;
  /// Of verify.
  std::string labels = "labels", reference, metricCommand;
  CompileArguments arguments;
};
} // namespace

static json::Array portsJson(llvm::ArrayRef<NetPort> ports) {
  json::Array list;
  for (const NetPort &port : ports) {
    json::Array shape;
    for (size_t axis = 0; axis < port.min.size(); ++axis)
      if (port.symbols[axis].empty())
        shape.push_back(port.min[axis]);
      else
        shape.push_back(json::fixUTF8(port.symbols[axis]));
    list.push_back(json::Object{{"name", json::fixUTF8(port.name)},
                                {"dtype", name(port.type)},
                                {"shape", std::move(shape)}});
  }
  return list;
}

static void printPorts(StringRef kind, llvm::ArrayRef<NetPort> ports) {
  for (const NetPort &port : ports)
    llvm::outs() << kind << " " << printable(port.name) << ": "
                 << port.describe() << "\n";
}

static Expected<int> inspectModel(Driver &driver, StringRef path,
                                  const CompileOptions &options) {
  auto net = ReferenceNet::open(path, options);
  if (!net)
    return net.takeError();
  mlir::ModuleOp module = *(*net)->model().module;
  std::map<std::string, int64_t> ops;
  module.walk([&](mlir::Operation *op) {
    if (op->getNumResults() && !op->hasTrait<mlir::OpTrait::ConstantLike>())
      ++ops[op->getName().getStringRef().str()];
  });
  uint64_t bytes = parameterBytes(module);
  if (!driver.json) {
    printPorts("input ", (*net)->inputs());
    printPorts("output", (*net)->outputs());
    llvm::outs() << "parameters: " << bytes / 4 << " (" << bytesText(bytes)
                 << " in float32)" << (isQuantized(module) ? ", quantized" : "")
                 << "\n";
    for (const auto &[name, count] : ops)
      llvm::outs() << "  " << count << " x " << name << "\n";
    return ExitDone;
  }
  json::Object counts;
  for (const auto &[name, count] : ops)
    counts[name] = count;
  driver.print(
      llvm::json::Object{{"inputs", portsJson((*net)->inputs())},
                         {"outputs", portsJson((*net)->outputs())},
                         {"parameters", bytes / 4},
                         {"quantized", isQuantized(module)},
                         {"licence", json::fixUTF8((*net)->model().licence)},
                         {"ops", std::move(counts)}});
  return ExitDone;
}

static std::string inside(StringRef folder, StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

static Expected<json::Object> readJson(const std::string &path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto parsed = json::parse((*file)->contents());
  if (!parsed)
    return inputError("bad-json", path, "", llvm::toString(parsed.takeError()),
                      "JSON of qc");
  if (json::Object *object = parsed->getAsObject())
    return std::move(*object);
  return inputError("bad-json", path, "", "JSON that is no object",
                    "JSON of qc");
}

static Expected<int> inspectArtifact(Driver &driver, StringRef path) {
  auto manifest = readJson(inside(path, "manifest.json"));
  if (!manifest)
    return manifest.takeError();
  auto report = readJson(inside(path, "report.json"));
  if (!report)
    return report.takeError();
  if (driver.json) {
    driver.print(llvm::json::Object{{"manifest", std::move(*manifest)},
                                    {"report", std::move(*report)}});
    return ExitDone;
  }
  auto text = [&](StringRef key) {
    return printable(manifest->getString(key).value_or(""));
  };
  llvm::outs() << text("name") << ": " << text("precision") << " for "
               << text("target") << ", from " << text("source") << "\n";
  // Nobody outside of the library sees the ports of a language model.
  const json::Object *language = manifest->getObject("language_model");
  if (language)
    printLanguage(*language);
  for (StringRef kind : {"inputs", "outputs"})
    if (const json::Array *ports =
            language ? nullptr : manifest->getArray(kind))
      for (const json::Value &port : *ports)
        llvm::outs() << kind.drop_back() << " " << port << "\n";
  if (const json::Array *layers = report->getArray("layers")) {
    Table table({"layer", "op", "format"});
    for (const json::Value &value : *layers)
      if (const json::Object *layer = value.getAsObject())
        table.add({printable(layer->getString("name").value_or("")),
                   layer->getString("op").value_or("").str(),
                   layer->getString("format").value_or("").str()});
    llvm::outs() << table.text();
  }
  return ExitDone;
}

static Expected<int> inspect(Driver &driver, InspectCommand &command) {
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  if (Error error = checkModel(command.model, true))
    return error;
  if (isFolderOfQc(command.model))
    return inspectArtifact(driver, command.model);
  if (llama::isLanguageModel(command.model))
    return inspectLanguage(driver, command.model);
  return inspectModel(driver, command.model, *options);
}

void qc::driver::addInspect(CLI::App &app, Driver &driver) {
  CLI::App *command =
      app.add_subcommand("inspect", "What a model or an artifact holds");
  auto state = std::make_shared<InspectCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return inspect(driver, *state); };
  });
}

//===----------------------------------------------------------------------===//
// qc verify
//===----------------------------------------------------------------------===//

/// A file has the hash that was written down.
static Error checkHash(StringRef path, const json::Object &facts) {
  auto found = hashOfFile(path, [](uint64_t) { return !interrupted(); });
  if (!found)
    return found.takeError();
  StringRef expected = facts.getString("sha256").value_or("");
  if (*found == expected)
    return Error::success();
  return inputError("changed-file", path, "", "SHA-256 " + *found,
                    printable(expected));
}

/// Every file of the manifest is there with its hash.
static Error checkFiles(StringRef folder, const json::Object &manifest) {
  const json::Object *files = manifest.getObject("files");
  if (!files || files->empty())
    return inputError("bad-manifest", inside(folder, "manifest.json"), "",
                      "no list of files", "one");
  for (const auto &entry : *files) {
    StringRef base = entry.first;
    const json::Object *facts = entry.second.getAsObject();
    if (base.contains('/') || !facts)
      return inputError("bad-manifest", inside(folder, "manifest.json"),
                        printable(base), "an odd entry", "a file's hash");
    if (Error error = checkHash(inside(folder, base), *facts))
      return error;
  }
  return Error::success();
}

/// --reference is the model that the manifest says it was made of; nothing
/// where it does not say.
static Expected<bool> checkModel(StringRef model,
                                 const json::Object &manifest) {
  const json::Object *madeOf = manifest.getObject("made_of");
  const json::Array *files = madeOf ? madeOf->getArray("model") : nullptr;
  if (!files || model.empty())
    return false;
  bool isFolder = llvm::sys::fs::is_directory(model);
  StringRef folder = isFolder ? model : llvm::sys::path::parent_path(model);
  for (const json::Value &value : *files) {
    const json::Object *facts = value.getAsObject();
    StringRef base = facts ? facts->getString("name").value_or("") : "";
    if (base.empty() || base.contains('/'))
      return inputError("bad-manifest", "manifest.json", "made_of",
                        "an odd entry", "a file's name and hash");
    // A model that is one file may have another name here.
    bool isSource = !isFolder && manifest.getString("source") == base;
    if (Error error =
            checkHash(isSource ? model.str() : inside(folder, base), *facts))
      return std::move(error);
  }
  return true;
}

static bool equal(llvm::ArrayRef<HostTensor> a, llvm::ArrayRef<HostTensor> b) {
  for (auto [x, y] : llvm::zip_equal(a, b))
    if (x.shape() != y.shape() ||
        std::memcmp(x.bytes(), y.bytes(), x.byteCount()) != 0)
      return false;
  return true;
}

/// The logits after each of some tokens that are always the same.
static Expected<std::vector<HostTensor>>
runLanguageModel(std::unique_ptr<LoadedNet> loaded) {
  auto net = LanguageNet::create(std::move(loaded));
  if (!net)
    return net.takeError();
  const LanguageInfo &info = (*net)->info();
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < std::min<int64_t>(info.context, 24); ++i)
    tokens.push_back(static_cast<int32_t>(i * 7919 % info.vocabulary));
  if (Error error = (*net)->open(static_cast<int64_t>(tokens.size())))
    return std::move(error);
  auto logits = (*net)->eval(tokens, /*all=*/true);
  if (!logits)
    return logits.takeError();
  return std::vector<HostTensor>{std::move(*logits)};
}

/// The outputs for the inputs, run on this many threads.
static Expected<std::vector<HostTensor>> runOn(const InspectCommand &command,
                                               int threads, int64_t sample,
                                               int64_t &samples) {
  LoadOptions load;
  load.threads = threads;
  auto net = LoadedNet::open(command.model, load);
  if (!net)
    return net.takeError();
  if ((*net)->manifest().get("language_model") && command.data.empty())
    return runLanguageModel(std::move(*net));
  Expected<std::vector<HostTensor>> inputs = std::vector<HostTensor>();
  if (command.data.empty()) {
    inputs = benchInputs(**net);
  } else {
    auto data = DataSet::open(command.data, (*net)->inputs());
    if (!data)
      return data.takeError();
    samples = std::min<int64_t>((*data)->size(), 16);
    inputs = (*data)->sample(sample);
  }
  if (!inputs)
    return inputs.takeError();
  return (*net)->run(*inputs);
}

static Expected<int> verify(Driver &driver, InspectCommand &command) {
  if (!isFolderOfQc(command.model))
    return inputError("model-kind", command.model, "",
                      "no folder that qc wrote", "one");
  auto manifest = readJson(inside(command.model, "manifest.json"));
  if (!manifest)
    return manifest.takeError();
  if (Error error = checkFiles(command.model, *manifest))
    return error;
  auto sameModel = checkModel(command.reference, *manifest);
  if (!sameModel)
    return sameModel.takeError();
  bool language = manifest->get("language_model") != nullptr;
  bool questions = llvm::sys::path::extension(command.data) == ".jsonl";
  std::string data = command.data;
  // Whether one and three threads agree is asked of fixed tokens.
  if (language && questions)
    command.data.clear();
  int64_t samples = 1;
  for (int64_t sample = 0; sample < samples; ++sample) {
    driver.progress.update("running", static_cast<double>(sample) / samples);
    auto once = runOn(command, 1, sample, samples);
    if (!once)
      return once.takeError();
    auto again = runOn(command, 3, sample, samples);
    if (!again)
      return again.takeError();
    if (!equal(*once, *again))
      return inputError("bug", command.model, "sample " + llvm::Twine(sample),
                        "other outputs on three threads than on one",
                        "the same bits");
  }
  auto report = readJson(inside(command.model, "report.json"));
  if (!report)
    return report.takeError();
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  VerifyRequest request{command.model,         data,
                        command.labels,        command.reference,
                        command.metricCommand, std::move(*options)};
  auto metric = verifyMetric(driver, request, *report);
  if (!metric)
    return metric.takeError();
  driver.progress.clear();
  size_t files = manifest->getObject("files")->size();
  json::Object object{{"ok", true}, {"files", files}, {"samples", samples}};
  object["same_model"] = *sameModel;
  std::string text = "ok: " + std::to_string(files) +
                     " files are as written, " + std::to_string(samples) +
                     " samples give the same bits on one thread and on three\n";
  if (*sameModel)
    text += "the model is the one that it was made of, by its hashes\n";
  if (const auto &found = *metric) {
    object["metric"] = valueJson(found->value);
    object["metric_of_report"] = found->expected;
    object["same_data"] = found->sameData;
    text += valueText(found->spec, found->value) + ", as the report has it" +
            (found->sameData ? ""
                             : " of other data, " +
                                   metricText(found->spec, found->expected)) +
            "\n";
  }
  if (driver.json)
    driver.print(std::move(object));
  else
    llvm::outs() << text;
  return ExitDone;
}

void qc::driver::addVerify(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "verify", "Check an artifact's files and that it runs");
  auto state = std::make_shared<InspectCommand>();
  command->add_option("DIR", state->model, "A folder of qc")->required();
  command->add_option("--data", state->data,
                      "Run on the first samples of it, and measure the metric "
                      "of the report again");
  command->add_option("--labels", state->labels,
                      "Array with the labels (labels)");
  command->add_option("--reference", state->reference,
                      "The model, for metrics that compare with it");
  command->add_option("--metric-command", state->metricCommand,
                      "The program of the metric");
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return verify(driver, *state); };
  });
}
