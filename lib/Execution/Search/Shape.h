//===- Shape.h - What a search takes out of a model -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Channels, heads and layers go before layers get
// their precisions: candidates that name the same of these have one shape, in
// which all precisions are tried.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_SHAPE_H
#define QC_LIB_EXECUTION_SEARCH_SHAPE_H

#include "qc/Execution/Search/SearchPrecision.h"

namespace qc::search {

struct Shape {
  /// As the end of a precision says it, `/channels:10%/layers:1`; empty for the
  /// whole model.
  std::string structures;

  bool isWhole() const { return structures.empty(); }
  /// The precision of a layer, or of all; or what else has this shape.
  std::string named(llvm::StringRef precision) const;
  /// The precision of a single layer: layers of the model are none of its own.
  std::string ofLayer(llvm::StringRef precision) const;
  /// `channels:10%/layers:1`, or null.
  llvm::json::Value json() const;

  /// Those that the candidates of a search name, without the whole model.
  static std::vector<Shape> of(const PrecisionSearchRequest &request);
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SHAPE_H
