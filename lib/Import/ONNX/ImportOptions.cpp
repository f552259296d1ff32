//===- ImportOptions.cpp - --dim and --shape ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the user says about free dimensions, checked as it is read.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/ONNX/Import.h"
#include "qc/Support/Error.h"

using namespace qc::onnx;
using llvm::StringRef;

llvm::Error qc::onnx::parseDimOption(StringRef text, ImportOptions &options) {
  auto [name, range] = text.rsplit('=');
  llvm::SmallVector<StringRef> parts;
  range.split(parts, ':');
  llvm::SmallVector<int64_t> sizes;
  for (StringRef part : parts) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 1)
      sizes.clear(), parts.clear();
    else
      sizes.push_back(size);
    if (parts.empty())
      break;
  }
  DimBounds bounds;
  if (!sizes.empty())
    bounds = {sizes.front(), sizes.size() == 3 ? sizes[1] : sizes.back(),
              sizes.back()};
  if (name.empty() || sizes.empty() || sizes.size() > 3 ||
      bounds.min > bounds.opt || bounds.opt > bounds.max)
    return inputError("bad-option", "", "--dim", "'" + text + "'",
                      "SYMBOL=MIN:OPT:MAX with 1 <= MIN <= OPT <= MAX");
  if (!options.dims.try_emplace(name, bounds).second)
    return inputError("bad-option", "", "--dim", "'" + name + "' twice",
                      "each dimension once");
  return llvm::Error::success();
}

llvm::Error qc::onnx::parseShapeOption(StringRef text, ImportOptions &options) {
  auto [name, shape] = text.rsplit('=');
  std::vector<int64_t> sizes;
  llvm::SmallVector<StringRef> parts;
  if (!shape.empty())
    shape.split(parts, 'x');
  bool isGood = !name.empty() && text.contains('=');
  for (StringRef part : parts) {
    int64_t size = -1;
    if (part != "?" && (part.getAsInteger(10, size) || size < 0))
      isGood = false;
    sizes.push_back(size);
  }
  if (!isGood)
    return inputError("bad-option", "", "--shape", "'" + text + "'",
                      "NAME=1x3x224x224");
  if (!options.shapes.try_emplace(name, std::move(sizes)).second)
    return inputError("bad-option", "", "--shape", "'" + name + "' twice",
                      "each input once");
  return llvm::Error::success();
}
