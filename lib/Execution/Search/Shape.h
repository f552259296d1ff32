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

#include <map>

namespace qc::search {

struct Shape {
  /// As the end of a precision says it, `/channels:10%/layers:1`; empty for the
  /// whole model.
  std::string structures;
  /// The share of the channels that a layer makes, `20%`, where each has its
  /// own (ChannelShares.h); `structures` is a name then.
  std::map<std::string, std::string> shares = {};

  bool isWhole() const { return structures.empty(); }
  /// Each layer is to get a share of its own.
  bool isAuto() const { return structures == "/channels:auto"; }
  /// That is said, alone or not.
  bool namesAuto() const {
    return llvm::StringRef(structures).contains("channels:auto");
  }
  /// What else has this shape, for people.
  std::string named(llvm::StringRef what) const;
  /// The precision of all layers, and of one.
  std::string ofModel(llvm::StringRef precision) const;
  std::string ofLayer(llvm::StringRef layer, llvm::StringRef precision) const;
  /// `channels:10%/layers:1`, or null.
  llvm::json::Value json() const;

  /// Those that the candidates of a search name, without the whole model.
  static std::vector<Shape> of(const PrecisionSearchRequest &request);
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SHAPE_H
