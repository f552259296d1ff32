//===- Shape.cpp - What a search takes out of a model ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shape.h"

#include "qc/Quantization/Precision.h"

#include <set>

using llvm::StringRef;

namespace qc::search {

std::string Shape::named(StringRef what) const {
  return quantization::withStructures(what, structures);
}

std::string Shape::ofModel(StringRef precision) const {
  return shares.empty() ? named(precision) : precision.str();
}

std::string Shape::ofLayer(StringRef layer, StringRef precision) const {
  auto share = shares.find(layer.str());
  if (share != shares.end())
    return quantization::withStructures(precision,
                                        "/channels:" + share->second);
  if (!shares.empty())
    return precision.str();
  return quantization::withStructures(precision, structures,
                                      /*ofOneLayer=*/true);
}

llvm::json::Value Shape::json() const {
  if (isWhole())
    return nullptr;
  return StringRef(structures).drop_front().str();
}

std::vector<Shape> Shape::of(const PrecisionSearchRequest &request) {
  std::vector<Shape> shapes;
  std::set<std::string> known = {""};
  for (const std::string &name : request.candidates) {
    std::string structures = quantization::structuresOf(name);
    if (known.insert(structures).second)
      shapes.push_back({structures});
  }
  return shapes;
}

} // namespace qc::search
