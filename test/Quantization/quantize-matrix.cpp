//===- quantize-matrix.cpp - The algorithms on files of matrices ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-quantize-matrix quantize|awq|smoothquant IN.npz OUT.npz --format FORMAT
//     [--scales range|mse|importance|output] [--gptq] [--act-order]
//     [--static-groups] [--damping D] [--alpha A]
//
// For tests and benchmarks that measure the algorithms on real layers. IN has
// the array `inputs` [rows, K] (and perhaps `importance` [K]) and any number of
// weights [N, K] that read them. `quantize` writes what each weight decodes to;
// `awq` and `smoothquant` write `scales` [K]. FORMAT: i4-g64 (symmetric),
// i4z-g64 (with zero points), both with scales in f16, or i4-g64-f32; a
// codebook (nf4-g64) or a block format (q4_K).
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/ChannelScales.h"
#include "qc/Support/Error.h"
#include "qc/Support/Npz.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace qc;
using namespace qc::quantization;
using llvm::StringRef;
using llvm::Twine;

namespace {
struct Arguments {
  std::string command, in, out;
  numerics::GroupFormat format;
  MatrixOptions options;
  double alpha = 0.5;
};

/// The arrays of IN, as f32.
struct Layer {
  HostTensor inputs, importance;
  std::vector<std::pair<std::string, HostTensor>> weights;
  std::vector<WeightMatrix> matrices;
};
} // namespace

static llvm::Error badOption(const Twine &found, const Twine &expected) {
  return inputError("bad-option", "qc-quantize-matrix", "", found, expected);
}

static llvm::Expected<numerics::GroupFormat> parseFormat(StringRef text) {
  auto scaleKind = text.consume_back("-f32") ? numerics::ElementKind::F32
                                             : numerics::ElementKind::F16;
  auto [name, groupText] = text.split("-g");
  int64_t group = 0;
  if (!groupText.empty() && groupText.getAsInteger(10, group))
    return badOption(groupText, "a group size");
  std::vector<int64_t> groups{1, group};
  if (const auto *block = numerics::findBlockFormat(std::string_view(name)))
    return block;
  for (const numerics::NamedCodebook &named : numerics::namedCodebooks())
    if (named.name == std::string_view(name)) {
      numerics::CodebookFormat format;
      format.codebook.assign(named.values.begin(), named.values.end());
      format.bits = std::max(1u, llvm::Log2_64_Ceil(named.values.size()));
      format.group = groups;
      return format;
    }
  if (const auto *element = numerics::findMinifloat(std::string_view(name)))
    return numerics::MinifloatFormat{*element, groups,
                                     numerics::GroupScale::F32};
  numerics::AffineFormat format;
  format.symmetric = !name.consume_back("z");
  format.group = groups;
  format.scaleKind = scaleKind;
  if (!name.consume_front("i") || name.getAsInteger(10, format.bits) ||
      format.bits < 2 || format.bits > 8)
    return badOption(text, "a format such as i4-g64, i4z-g64, nf4-g64, q4_K");
  return format;
}

static llvm::Expected<ScaleRule> parseRule(StringRef text) {
  constexpr StringRef names[] = {"range", "mse", "importance", "output"};
  for (size_t k = 0; k < std::size(names); ++k)
    if (names[k] == text)
      return static_cast<ScaleRule>(k);
  return badOption(text, "range, mse, importance or output");
}

static llvm::Expected<Arguments> parse(llvm::ArrayRef<const char *> words) {
  Arguments result;
  if (words.size() < 3)
    return badOption("too few arguments", "COMMAND IN.npz OUT.npz");
  result.command = words[0];
  result.in = words[1];
  result.out = words[2];
  bool hasFormat = false;
  words = words.drop_front(3);
  while (!words.empty()) {
    StringRef option = words.consume_front();
    GptqOptions &gptq = result.options.gptq;
    if (option == "--gptq" || option == "--act-order" ||
        option == "--static-groups") {
      (option == "--gptq"        ? gptq.enabled
       : option == "--act-order" ? gptq.actOrder
                                 : gptq.staticGroups) = true;
      continue;
    }
    if (words.empty())
      return badOption(option, "an option with its value");
    StringRef value = words.consume_front();
    if (option == "--format") {
      if (llvm::Error error = parseFormat(value).moveInto(result.format))
        return error;
      hasFormat = true;
    } else if (option == "--scales") {
      if (llvm::Error error = parseRule(value).moveInto(result.options.scales))
        return error;
    } else if (option != "--damping" && option != "--alpha") {
      return badOption(option, "an option of the first lines of the source");
    } else if (value.getAsDouble(option == "--damping" ? gptq.damping
                                                       : result.alpha)) {
      return badOption(value, "a number");
    }
  }
  if (!hasFormat && result.command != "smoothquant")
    return badOption("no --format", "one");
  return result;
}

static llvm::Expected<Layer> readLayer(StringRef path) {
  auto file = NpzFile::open(path);
  if (!file)
    return file.takeError();
  Layer layer;
  for (const std::string &name : (*file)->names()) {
    llvm::Expected<HostTensor> tensor = (*file)->read(name);
    if (!tensor)
      return tensor.takeError();
    if (tensor->rank() != (name == "importance" ? 1 : 2))
      return inputError("bad-npz", path, name, tensor->describe(), "a matrix");
    HostTensor values = tensor->toF32();
    if (name == "inputs")
      layer.inputs = std::move(values);
    else if (name == "importance")
      layer.importance = std::move(values);
    else
      layer.weights.emplace_back(name, std::move(values));
  }
  for (const auto &[name, tensor] : layer.weights)
    layer.matrices.push_back(
        {tensor.as<float>(), tensor.dim(0), tensor.dim(1), name});
  return layer;
}

static llvm::Error run(const Arguments &arguments) {
  llvm::Expected<Layer> layer = readLayer(arguments.in);
  if (!layer)
    return layer.takeError();
  auto writer = NpzWriter::create(arguments.out);
  if (!writer)
    return writer.takeError();
  auto start = std::chrono::steady_clock::now();
  std::optional<InputStatistics> statistics;
  if (layer->inputs.rank() == 2) {
    statistics.emplace(layer->inputs.dim(1));
    statistics->add(layer->inputs.as<float>());
  }
  LayerInput input{statistics ? &*statistics : nullptr,
                   layer->importance.as<float>()};
  std::vector<std::pair<std::string, HostTensor>> outputs;
  auto add = [&](StringRef name, llvm::ArrayRef<int64_t> shape,
                 const std::vector<float> &values) {
    outputs.emplace_back(name,
                         HostTensor::of<float>(DType::F32, shape, values));
  };
  if (arguments.command == "quantize") {
    for (const WeightMatrix &matrix : layer->matrices) {
      auto result =
          quantizeMatrix(matrix, arguments.format, input, arguments.options);
      if (!result)
        return result.takeError();
      add(matrix.name, {matrix.rows, matrix.columns}, result->decoded);
      llvm::outs() << matrix.name << " error " << result->outputError
                   << " damping " << result->damping << "\n";
    }
  } else if (arguments.command == "awq") {
    auto scales = chooseAwqScales(layer->matrices, arguments.format, input);
    if (!scales)
      return scales.takeError();
    add("scales", {static_cast<int64_t>(scales->values.size())},
        scales->values);
    llvm::outs() << "alpha " << scales->alpha << " error " << scales->error
                 << " without " << scales->errorWithout << "\n";
  } else if (arguments.command == "smoothquant" && statistics) {
    ChannelScales scales = chooseSmoothQuantScales(
        layer->matrices, statistics->largestMagnitudes(), arguments.alpha);
    add("scales", {static_cast<int64_t>(scales.values.size())}, scales.values);
  } else {
    return badOption(arguments.command, "quantize, awq or smoothquant");
  }
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  llvm::outs() << "seconds " << seconds.count() << "\n";
  for (const auto &[name, tensor] : outputs)
    if (llvm::Error error = (*writer)->add(name, tensor))
      return error;
  return (*writer)->finish();
}

int main(int argc, char **argv) {
  llvm::ExitOnError exitOnError("error: ");
  Arguments arguments =
      exitOnError(parse({argv + 1, static_cast<size_t>(argc - 1)}));
  exitOnError(run(arguments));
  return 0;
}
