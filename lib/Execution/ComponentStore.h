//===- ComponentStore.h - What a search has found so far --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution. The components of each searched weight are a file of
// their own, which parameters of the model name. In a folder beside the output
// they outlive a run that was interrupted, and the next one may go on.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_COMPONENTSTORE_H
#define QC_LIB_EXECUTION_COMPONENTSTORE_H

#include "LayerStages.h"

#include "qc/Execution/SearchWeights.h"
#include "qc/Numerics/GroupCodec.h"

namespace qc {

/// The one component of a weight that stays in float.
numerics::Component valuesComponent(llvm::ArrayRef<int64_t> shape);

class ComponentStore {
public:
  /// For the search that `request` asks for on `model`; takes over what an
  /// earlier one left if --resume is given.
  static llvm::Expected<ComponentStore> open(LoadedModel &model,
                                             const SearchRequest &request);

  /// Whether the weight of number `index` was found before.
  bool has(size_t index, const StageLayer &layer) const;
  /// Makes the weight what was found: now, or before for null.
  llvm::Error replace(size_t index, const StageLayer &layer,
                      const numerics::Encoded *encoded);

  /// Where an interrupted run goes on from; empty: nowhere.
  const std::string &path() const { return folder; }

private:
  ComponentStore() = default;
  std::string fileOf(size_t index) const;

  /// Empty: weights become part of the module.
  std::string folder;
};

} // namespace qc

#endif // QC_LIB_EXECUTION_COMPONENTSTORE_H
