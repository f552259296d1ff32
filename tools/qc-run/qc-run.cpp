//===- qc-run.cpp - Executes IR -------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-run FILE --inputs in.npz -o out.npz runs IR of any level: levels 0 to 3 by
// the reference evaluator, later ones (with --jit all) compiled; qc-run
// --compare A B --inputs in.npz runs two files on the same inputs and says how
// far their outputs and their named ops are apart.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "ModelFile.h"
#include "Worker.h"
#include "qc/Quantization/Statistics.h"
#include "qc/Support/Error.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace qc;
namespace cl = llvm::cl;

namespace {
struct Options {
  cl::OptionCategory category{"qc-run options"};
  cl::list<std::string> files{cl::Positional, cl::desc("FILE"),
                              cl::cat(category)};
  cl::opt<bool> compare{"compare",
                        cl::desc("compare the named ops of two files"),
                        cl::cat(category)};
  cl::opt<bool> worker{"worker",
                       cl::desc("serve requests on standard input, a line of "
                                "JSON each (python/qc/onnx_backend.py)"),
                       cl::cat(category)};
  cl::opt<bool> jit{"jit",
                    cl::desc("compile levels 0 to 3 instead of evaluating "
                             "them"),
                    cl::cat(category)};
  cl::opt<std::string> inputs{"inputs", cl::desc("arrays named as the inputs"),
                              cl::value_desc("in.npz"), cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("where the outputs go"),
                              cl::value_desc("out.npz"), cl::cat(category)};
  cl::opt<std::string> statistics{"observed",
                                  cl::desc("where the counts of qc.observe "
                                           "go, which the evaluator makes"),
                                  cl::value_desc("FILE"), cl::cat(category)};
  cl::opt<std::string> function{"function", cl::desc("the function to run"),
                                cl::init("main"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights-folder",
      cl::desc("folder of the files that the IR names (default: FILE's)"),
      cl::cat(category)};
  cl::opt<int64_t> batch{
      "batch",
      cl::desc("run this many rows of dynamic axes 0 at a time, and join the "
               "outputs along axis 0 (default: all at once)"),
      cl::init(0), cl::cat(category)};

  ModelOptions model() const {
    return {.function = function, .weightsFolder = weights, .jit = jit};
  }
};

/// A line of progress on a terminal, once a run takes more than two seconds.
class Progress {
public:
  void update(int64_t done, int64_t total) {
    std::chrono::duration<double> passed =
        std::chrono::steady_clock::now() - start;
    if (!isTerminal || passed.count() < 2)
      return;
    double left = done ? passed.count() / done * (total - done) : 0;
    llvm::errs() << llvm::format("\r%lld of %lld, %.0f s left ",
                                 static_cast<long long>(done),
                                 static_cast<long long>(total), left);
    shown = true;
  }
  ~Progress() {
    if (shown)
      llvm::errs() << "\r" << std::string(40, ' ') << "\r";
  }

private:
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
  bool isTerminal = llvm::sys::Process::StandardErrIsDisplayed();
  bool shown = false;
};
} // namespace

using Outputs = llvm::SmallVector<RuntimeValue>;

/// The rows of all parts, one after another.
static llvm::Expected<HostTensor> joinRows(llvm::ArrayRef<HostTensor> parts,
                                           llvm::StringRef name) {
  const HostTensor &head = parts.front();
  llvm::SmallVector<int64_t> shape(head.shape());
  if (parts.size() == 1)
    return head;
  for (const HostTensor &part : parts) {
    bool suits = head.rank() && part.rank() && part.dtype() == head.dtype() &&
                 part.shape().drop_front() == head.shape().drop_front();
    if (!suits)
      return inputError("bad-option", "", "--batch",
                        "output '" + name + "' of " + part.describe() +
                            " after " + head.describe(),
                        "outputs that differ in axis 0 only");
    shape[0] += &part == &head ? 0 : part.dim(0);
  }
  HostTensor joined = HostTensor::uninitialized(head.dtype(), shape);
  char *to = joined.mutableBytes();
  for (const HostTensor &part : parts)
    to = std::copy_n(part.bytes(), part.byteCount(), to);
  return joined;
}

static llvm::Expected<Outputs> runBatches(ModelFile &model, NpzFile &file,
                                          int64_t batch) {
  if (batch <= 0) {
    auto inputs = model.readInputs(file, 0, -1);
    if (!inputs)
      return inputs.takeError();
    return model.run(*inputs);
  }
  auto rows = model.countRows(file);
  if (!rows)
    return rows.takeError();
  Progress progress;
  llvm::SmallVector<std::vector<HostTensor>> parts(model.outputCount());
  int64_t first = 0;
  do {
    auto inputs = model.readInputs(file, first, std::min(batch, *rows - first));
    if (!inputs)
      return inputs.takeError();
    auto outputs = model.run(*inputs);
    if (!outputs)
      return outputs.takeError();
    for (auto [all, part] : llvm::zip_equal(parts, *outputs))
      all.push_back(part.values());
    first += batch;
    progress.update(std::min(first, *rows), *rows);
  } while (first < *rows);
  Outputs outputs;
  for (auto [index, all] : llvm::enumerate(parts)) {
    auto joined = joinRows(all, model.outputName(index));
    if (!joined)
      return joined.takeError();
    outputs.push_back(std::move(*joined));
  }
  return outputs;
}

static llvm::Error writeOutputs(ModelFile &model, const Outputs &outputs,
                                llvm::StringRef path) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  for (auto [index, output] : llvm::enumerate(outputs))
    if (llvm::Error error =
            (*writer)->add(model.outputName(index), output.values()))
      return error;
  return (*writer)->finish();
}

static llvm::Error runOne(const Options &options, NpzFile &file,
                          mlir::MLIRContext &context) {
  auto model = ModelFile::open(options.files[0], options.model(), context);
  if (!model)
    return model.takeError();
  quantization::Statistics statistics;
  auto observe = [&](llvm::StringRef name, const HostTensor &x) {
    std::span<const float> values(reinterpret_cast<const float *>(x.bytes()),
                                  x.byteCount() / sizeof(float));
    statistics.tensors[name.str()].add(values, x.rank() ? x.shape().back() : 0);
  };
  if (Evaluator *evaluator = (*model)->evaluator())
    evaluator->setValueObserver(observe);
  else if (!options.statistics.empty())
    return inputError("bad-option", options.files[0], "--observed",
                      "a model that is compiled", "one that is evaluated");
  auto outputs = runBatches(**model, file, options.batch);
  if (!outputs)
    return outputs.takeError();
  if (!options.statistics.empty()) {
    auto rows = (*model)->countRows(file);
    if (!rows)
      return rows.takeError();
    statistics.samples = *rows;
    if (llvm::Error error = statistics.writeFile(options.statistics))
      return error;
  }
  if (!options.output.empty())
    return writeOutputs(**model, *outputs, options.output);
  for (auto [index, output] : llvm::enumerate(*outputs))
    llvm::outs() << (*model)->outputName(index) << ": "
                 << output.values().describe() << "\n";
  return llvm::Error::success();
}

/// Runs one file and keeps its named results and its outputs.
static llvm::Error record(const Options &options, llvm::StringRef path,
                          NpzFile &file, mlir::MLIRContext &context,
                          NamedResults &results) {
  auto model = ModelFile::open(path, options.model(), context);
  if (!model)
    return model.takeError();
  if (Evaluator *evaluator = (*model)->evaluator())
    results.attach(*evaluator);
  auto outputs = runBatches(**model, file, 0);
  if (!outputs)
    return outputs.takeError();
  for (auto [index, output] : llvm::enumerate(*outputs)) {
    HostTensor values = output.values();
    results.add(("output " + (*model)->outputName(index)).str(),
                isFloat(values.dtype()) ? values.toF32() : values);
  }
  return llvm::Error::success();
}

static llvm::Error runCompare(const Options &options, NpzFile &file,
                              mlir::MLIRContext &context) {
  NamedResults a, b;
  if (llvm::Error error = record(options, options.files[0], file, context, a))
    return error;
  if (llvm::Error error = record(options, options.files[1], file, context, b))
    return error;
  printComparison(llvm::outs(), a, b);
  return llvm::Error::success();
}

static llvm::Error run(const Options &options) {
  size_t expected = options.compare ? 2 : 1;
  if (options.files.size() != expected)
    return inputError("bad-option", "", "",
                      std::to_string(options.files.size()) + " files",
                      options.compare ? "two with --compare" : "one");
  if (options.inputs.empty())
    return inputError("bad-option", "", "--inputs", "nothing", "an .npz file");
  auto file = NpzFile::open(options.inputs);
  if (!file)
    return file.takeError();
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  return options.compare ? runCompare(options, **file, *context)
                         : runOne(options, **file, *context);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(argc, argv,
                              "runs IR of the quantization compiler\n");
  if (options.worker)
    return runWorker(stdin, llvm::outs());
  if (llvm::Error error = run(options)) {
    llvm::errs() << "qc-run: error: " << llvm::toString(std::move(error))
                 << "\n";
    return 1;
  }
  return 0;
}
