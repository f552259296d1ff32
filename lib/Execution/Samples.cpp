//===- Samples.cpp - What a model is run on to be known -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Samples.h"

#include "qc/Execution/DataSet.h"
#include "qc/Execution/Padding.h"
#include "qc/Execution/Perplexity.h"
#include "qc/Execution/ReferenceNet.h"
#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"
#include "qc/Support/Sha256.h"
#include "qc/Tokenizer/Tokenizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <numeric>

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Tokens of a window, unless the model has room for fewer.
static constexpr int64_t usualWindow = 512;

namespace {
/// Data sets one after another, without what a mask hides at their ends.
class ArraySamples : public Samples {
public:
  explicit ArraySamples(const std::vector<NetPort> &ports) : ports(ports) {}

  int64_t size() const override { return count; }
  Expected<std::vector<HostTensor>> sample(int64_t index) override {
    size_t at = 0;
    while (index >= sets[at]->size())
      index -= sets[at++]->size();
    auto sample = sets[at]->sample(index);
    if (sample)
      dropPadding(ports, *sample);
    return sample;
  }
  Expected<std::string> hash() const override {
    std::string all;
    for (const std::unique_ptr<DataSet> &set : sets) {
      auto one = set->hash();
      if (!one)
        return one.takeError();
      all += *one;
    }
    return all;
  }

  std::vector<NetPort> ports;
  std::vector<std::unique_ptr<DataSet>> sets;
  int64_t count = 0;
};

/// Windows of a text, each as the only sequence of a step.
class WindowSamples : public Samples {
public:
  int64_t size() const override { return static_cast<int64_t>(windows.size()); }
  Expected<std::vector<HostTensor>> sample(int64_t index) override {
    std::vector<int32_t> tokens = windows[index], places(tokens.size());
    std::iota(places.begin(), places.end(), 0);
    auto vectorOf = [&](llvm::ArrayRef<int32_t> values) {
      return HostTensor::of(DType::I32, {static_cast<int64_t>(values.size())},
                            values);
    };
    HostTensor zeros(DType::I32, {static_cast<int64_t>(tokens.size())});
    return std::vector<HostTensor>{vectorOf(tokens), vectorOf(places), zeros,
                                   vectorOf(places), cache};
  }
  Expected<std::string> hash() const override { return digest; }

  std::vector<std::vector<int32_t>> windows;
  HostTensor cache;
  std::string digest;
};
} // namespace

static Expected<std::unique_ptr<Samples>>
openArrays(const std::vector<NetPort> &inputs, const CompileOptions &options) {
  auto samples = std::make_unique<ArraySamples>(inputs);
  for (const std::string &file : options.calib) {
    DataOptions limits;
    limits.limit = options.samples - samples->count;
    if (limits.limit <= 0)
      break;
    auto set = DataSet::open(file, inputs, limits);
    if (!set)
      return set.takeError();
    samples->count += (*set)->size();
    samples->sets.push_back(std::move(*set));
  }
  return samples;
}

/// Cuts the text of a file into windows of `length` tokens.
static Error addWindows(StringRef file, const Tokenizer &tokenizer, int32_t bos,
                        int64_t length, WindowSamples &samples) {
  if (!file.ends_with(".txt"))
    return inputError("data-kind", file, "", "another kind of file",
                      "a .txt to calibrate a language model on");
  auto text = MappedFile::open(file);
  if (!text)
    return text.takeError();
  StringRef contents = (*text)->contents();
  EncodeOptions plain;
  plain.addSpecial = false;
  PerplexityRequest request;
  request.context = length;
  request.bos = bos >= 0;
  for (PerplexityWindow &window :
       cutWindows(tokenizer.encode(contents, plain), bos, request))
    if (static_cast<int64_t>(window.tokens.size()) == length)
      samples.windows.push_back(std::move(window.tokens));
  samples.digest += llvm::toHex(Sha256::of(contents), /*LowerCase=*/true);
  return Error::success();
}

static Expected<std::unique_ptr<Samples>>
openWindows(const std::vector<NetPort> &inputs, int32_t bos, StringRef path,
            const CompileOptions &options) {
  auto tokenizer = readTokenizer(path);
  if (!tokenizer)
    return tokenizer.takeError();
  if (!*tokenizer)
    return inputError("no-tokenizer", path, "", "a model without a tokenizer",
                      "one, to calibrate on a text");
  int64_t length = std::min(inputs.back().max[4], usualWindow);
  auto samples = std::make_unique<WindowSamples>();
  for (const std::string &file : options.calib)
    if (Error error = addWindows(file, **tokenizer, bos, length, *samples))
      return std::move(error);
  if (samples->windows.size() > static_cast<size_t>(options.samples))
    samples->windows.resize(options.samples);
  if (samples->windows.empty())
    return inputError("no-samples", options.calib.front(), "",
                      "less text than a window",
                      std::to_string(length) + " tokens or more");
  const NetPort &cache = inputs.back();
  llvm::SmallVector<int64_t> shape(cache.max.begin(), cache.max.end());
  shape[0] = 1;
  shape[4] = length;
  samples->cache = HostTensor(cache.type, shape);
  return samples;
}

Expected<std::unique_ptr<Samples>>
qc::openSamples(const LoadedModel &model, StringRef path,
                const CompileOptions &options) {
  mlir::ModuleOp module = *model.module;
  auto ports = portsOf(module);
  if (!ports)
    return ports.takeError();
  auto language =
      module->getAttrOfType<mlir::DictionaryAttr>("qc.language_model");
  auto samples =
      language
          ? openWindows(ports->inputs,
                        static_cast<int32_t>(
                            language.getAs<mlir::IntegerAttr>("bos").getInt()),
                        path, options)
          : openArrays(ports->inputs, options);
  if (samples && (*samples)->size() == 0)
    return inputError("no-samples",
                      options.calib.empty() ? "" : options.calib[0], "",
                      "no samples", "at least one to calibrate on");
  return samples;
}

void qc::fitBounds(mlir::ModuleOp module, mlir::func::FuncOp main,
                   llvm::ArrayRef<HostTensor> sample) {
  auto given = module->getAttrOfType<mlir::DictionaryAttr>("qc.bounds");
  if (!given)
    return;
  mlir::NamedAttrList bounds(given);
  mlir::Builder b(module.getContext());
  for (auto [number, tensor] : llvm::enumerate(sample)) {
    auto dims = main.getArgAttrOfType<mlir::ArrayAttr>(number, "qc.dims");
    if (!dims)
      continue;
    for (auto [axis, name] :
         llvm::enumerate(dims.getAsRange<mlir::StringAttr>()))
      if (auto bound = llvm::dyn_cast_or_null<mlir::DenseI64ArrayAttr>(
              bounds.get(name))) {
        int64_t size = tensor.dim(axis);
        bounds.set(name, b.getDenseI64ArrayAttr({std::min(bound[0], size), size,
                                                 std::max(bound[2], size)}));
      }
  }
  module->setAttr("qc.bounds", bounds.getDictionary(module.getContext()));
}

Error qc::fitBounds(mlir::ModuleOp module, mlir::func::FuncOp main,
                    Samples &samples) {
  auto sample = samples.sample(0);
  if (!sample)
    return sample.takeError();
  fitBounds(module, main, *sample);
  return Error::success();
}
