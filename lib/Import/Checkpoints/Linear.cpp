//===- Linear.cpp - Quantized matrices of checkpoints ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/Linear.h"

#include "Layouts.h"

using namespace qc;
using namespace qc::checkpoints;
namespace num = qc::numerics;

num::DecodeSpec Linear::spec() const {
  if (auto *affine = std::get_if<num::AffineFormat>(&format))
    return num::affineSpec(*affine);
  return num::codebookSpec(std::get<num::CodebookFormat>(format));
}

bool qc::checkpoints::isQuantized(const Config &config,
                                  const safetensors::Table &table,
                                  llvm::StringRef layer) {
  llvm::StringRef suffix =
      config.method == Method::BitsAndBytes4   ? ".weight.absmax"
      : config.method == Method::BitsAndBytes8 ? ".SCB"
                                               : ".qweight";
  return table.find((layer + suffix).str());
}

llvm::Expected<Linear>
qc::checkpoints::readLinear(const Config &config,
                            const safetensors::Table &table,
                            ParameterStore &store, llvm::StringRef layer,
                            int64_t outputs, int64_t inputs) {
  assert(outputs > 0 && inputs > 0);
  LayerTensors tensors(table, store, layer);
  switch (config.method) {
  case Method::GPTQ:
    return readGPTQ(config, tensors, Sizes(config, outputs, inputs));
  case Method::AWQ:
    return readAWQ(config, tensors, Sizes(config, outputs, inputs));
  case Method::BitsAndBytes4:
    return readBitsAndBytes4(tensors, outputs, inputs);
  case Method::BitsAndBytes8:
    return readBitsAndBytes8(tensors, outputs, inputs);
  }
  llvm_unreachable("all methods are handled");
}
