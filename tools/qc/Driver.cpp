//===- Driver.cpp - What the commands of qc share -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reporting results and errors, and opening what a command is given.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Process.h"

#include "qc/Execution/DataSet.h"
#include "qc/Execution/ReferenceNet.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::StringRef;

void Driver::addCommon(CLI::App &command) {
  command.add_flag("--json", json, "Print one JSON object, errors too");
  command.add_flag("--progress", progress.asked,
                   "Show progress without a terminal, too");
}

int Driver::run() {
  if (!action)
    return ExitDone;
  auto code = action();
  progress.clear();
  if (!code)
    return report(code.takeError());
  return *code;
}

/// The exit code that goes with the code of an error.
static int exitCodeOfError(StringRef code) {
  if (code == "interrupted")
    return ExitInterrupted;
  // Objects of our own that don't link, an emitter that fails.
  return code == "link" || code == "bug" ? ExitBug : ExitWrong;
}

int Driver::report(llvm::Error error) {
  progress.clear();
  llvm::json::Value value = errorToJSON(std::move(error));
  llvm::json::Object *object = value.getAsObject();
  llvm::json::Object *fields = object->getObject("error");
  StringRef code = fields->getString("code").value_or("error");
  int exitCode = exitCodeOfError(code);
  if (json) {
    print(std::move(*object));
    return exitCode;
  }
  auto field = [&](StringRef name) {
    return fields->getString(name).value_or("").str();
  };
  if (code == "interrupted") {
    llvm::errs() << "error: interrupted\n";
    return exitCode;
  }
  InputError line(code, field("file"), field("where"), field("found"),
                  field("expected"));
  llvm::errs() << "error: " << line.message() << "\n";
  return exitCode;
}

void Driver::note(StringRef line) {
  progress.clear();
  llvm::errs() << "note: " << line << "\n";
}

void Driver::print(llvm::json::Object object) {
  object["schema"] = 1;
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(object)))
               << "\n";
  llvm::outs().flush();
}

BuildHooks Driver::hooks() {
  BuildHooks hooks;
  hooks.progress = [this](StringRef what, double done) {
    progress.update(what, done);
    return !interrupted();
  };
  hooks.note = [this](StringRef line) { note(line); };
  return hooks;
}

llvm::Error qc::driver::notBuilt(const llvm::Twine &what) {
  return inputError("not-built", "", "", what + ", which is not built yet", "");
}

bool qc::driver::isFolderOfQc(StringRef path) {
  return llvm::sys::fs::is_directory(path) && isArtifact(path);
}

/// `org/name`, as model hubs call what they keep.
static bool looksLikeHubName(StringRef path) {
  auto [org, name] = path.split('/');
  return !org.empty() && !name.empty() && !name.contains('/') &&
         !path.starts_with(".") && llvm::sys::path::extension(path).empty();
}

llvm::Error qc::driver::checkModel(StringRef path, bool artifacts) {
  setReproducerModel(path.str());
  std::string kinds =
      "an .onnx, .gguf or .mlir file, or a folder with a config.json";
  if (artifacts)
    kinds = "a folder that qc wrote, " + kinds;
  if (llvm::sys::fs::is_directory(path)) {
    if (artifacts && isArtifact(path))
      return llvm::Error::success();
    llvm::SmallString<128> config(path);
    llvm::sys::path::append(config, "config.json");
    if (llvm::sys::fs::exists(config))
      return llvm::Error::success();
    return inputError("model-kind", path, "", "a folder that is no model",
                      kinds);
  }
  if (!llvm::sys::fs::exists(path)) {
    if (looksLikeHubName(path))
      return inputError("file-not-found", path, "",
                        "no such folder, and nothing is ever downloaded",
                        "a folder; to get it: huggingface-cli download " +
                            printable(path) + " --local-dir DIR");
    return inputError("file-not-found", path, "", "no such file", kinds);
  }
  StringRef suffix = llvm::sys::path::extension(path);
  if (suffix != ".onnx" && suffix != ".gguf" && suffix != ".mlir" &&
      suffix != ".mlirbc")
    return inputError("model-kind", path, "",
                      suffix.empty()
                          ? "a file without an ending"
                          : "a file that ends in " + printable(suffix),
                      kinds);
  return llvm::Error::success();
}

static bool checkFails(StringRef path) {
  llvm::Error error = checkModel(path, true);
  bool fails = static_cast<bool>(error);
  llvm::consumeError(std::move(error));
  return fails;
}

llvm::Error qc::driver::addBounds(StringRef path, StringRef dataPath,
                                  CompileOptions &options) {
  auto net = ReferenceNet::open(path, options);
  if (!net)
    return net.takeError();
  const std::vector<NetPort> &ports = (*net)->inputs();
  std::unique_ptr<DataSet> data;
  for (const NetPort &port : ports)
    for (int64_t most : port.max)
      if (most < 0 && !data && !dataPath.empty()) {
        auto opened = DataSet::open(dataPath, ports);
        if (!opened)
          return opened.takeError();
        data = std::move(*opened);
      }
  std::map<std::string, int64_t> sizes;
  for (auto [index, port] : llvm::enumerate(ports)) {
    llvm::SmallVector<int64_t, 4> largest(port.max.size(), 1);
    if (data)
      largest = data->largestShape(index);
    for (size_t axis = 0; axis < port.max.size(); ++axis)
      if (port.max[axis] < 0) {
        int64_t &size = sizes[port.symbols[axis]];
        size = std::max(size, largest[axis]);
      }
  }
  for (const auto &[symbol, size] : sizes)
    // With data the dimension stays free: what a fixed size folds away would
    // miss in statistics.
    options.dims.push_back(
        {symbol, 1, size, std::max<int64_t>(size, data ? 2 : 1)});
  return llvm::Error::success();
}

static llvm::Expected<std::unique_ptr<LoadedNet>>
compileReference(Driver &driver, StringRef path, const CompileOptions &options,
                 const LoadOptions &load) {
  driver.progress.update("compiling the reference", 0);
  return buildTemporary(path, options, load);
}

llvm::Expected<std::unique_ptr<LoadedNet>>
qc::driver::openLoaded(Driver &driver, StringRef path,
                       const CompileOptions &given, const LoadOptions &load,
                       StringRef data) {
  if (llvm::Error error = checkModel(path, true))
    return error;
  if (isFolderOfQc(path))
    return LoadedNet::open(path, load);
  CompileOptions options = given;
  if (llvm::Error error = addBounds(path, data, options))
    return error;
  return compileReference(driver, path, options, load);
}

llvm::Expected<std::unique_ptr<Network>>
qc::driver::openNetwork(Driver &driver, StringRef path,
                        const CompileOptions &options, const LoadOptions &load,
                        StringRef data) {
  if (checkFails(path) || isFolderOfQc(path))
    return openLoaded(driver, path, options, load, data);
  CompileOptions bounded = options;
  if (llvm::Error error = addBounds(path, data, bounded))
    return std::move(error);
  auto loaded = compileReference(driver, path, bounded, load);
  if (loaded)
    return std::unique_ptr<Network>(std::move(*loaded));
  // What can't be compiled yet may be interpreted all the same.
  auto slow = ReferenceNet::open(path, options);
  if (!slow) {
    llvm::consumeError(slow.takeError());
    return loaded.takeError();
  }
  driver.note("interpreted, since it does not compile: " +
              llvm::toString(loaded.takeError()));
  return std::unique_ptr<Network>(std::move(*slow));
}
