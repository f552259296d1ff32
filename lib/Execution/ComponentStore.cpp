//===- ComponentStore.cpp - What a search has found so far ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ComponentStore.h"

#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Execution/SearchFolder.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc {

/// Components begin at multiples of this in their file.
static constexpr int64_t alignment = 64;

/// A hash of everything that the result depends on.
static Expected<std::string> markOf(ModuleOp module,
                                    const SearchRequest &request) {
  std::string more;
  llvm::raw_string_ostream os(more);
  os << static_cast<int>(request.algorithms.scales) << request.algorithms.gptq
     << request.algorithms.refit << request.algorithms.quantease
     << static_cast<int>(request.algorithms.pruningRule());
  if (request.samples) {
    auto hash = request.samples->hash();
    if (!hash)
      return hash.takeError();
    os << *hash << request.samples->size();
  }
  std::vector<std::string> files;
  if (!request.options.imatrixFile.empty())
    files.push_back(request.options.imatrixFile);
  return searchMark(module, more, files);
}

Expected<ComponentStore> ComponentStore::open(LoadedModel &model,
                                              const SearchRequest &request) {
  ComponentStore store;
  // What is printed has its weights with it.
  if (request.output.empty())
    return store;
  auto mark = markOf(*model.module, request);
  if (!mark)
    return mark.takeError();
  store.folder = searchFolder(request.output);
  if (Error error =
          openSearchFolder(store.folder, *mark, request.options.resume))
    return std::move(error);
  return store;
}

std::string ComponentStore::fileOf(size_t index) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, llvm::Twine(index));
  return path.str().str();
}

/// The bytes that a component has in a tensor of static shape.
static int64_t bytesOf(Type component) {
  auto type = cast<RankedTensorType>(component);
  return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
}

numerics::Component valuesComponent(llvm::ArrayRef<int64_t> shape) {
  return {"values", numerics::ElementKind::F32, shape.vec()};
}

static llvm::SmallVector<numerics::Component>
componentsOf(const StageLayer &layer) {
  auto type = cast<RankedTensorType>(layer.use->get().getType());
  if (!layer.encoding)
    return {valuesComponent(type.getShape())};
  return layer.encoding.getComponents(type.getShape());
}

bool ComponentStore::has(size_t index, const StageLayer &layer) const {
  if (folder.empty())
    return false;
  int64_t wanted = 0;
  for (const numerics::Component &component : componentsOf(layer))
    wanted = llvm::alignTo(wanted, alignment) +
             bytesOf(mlir::qc::getComponentType(layer.use->get().getContext(),
                                                component));
  uint64_t size = 0;
  return !llvm::sys::fs::file_size(fileOf(index), size) &&
         static_cast<int64_t>(size) == wanted;
}

/// The components as constants of the module.
static llvm::SmallVector<Value> constantsOf(OpBuilder &b,
                                            const StageLayer &layer,
                                            const numerics::Encoded &encoded) {
  llvm::SmallVector<Value> values;
  for (auto [component, data] :
       llvm::zip_equal(componentsOf(layer), encoded.data)) {
    auto type = mlir::qc::getComponentType(b.getContext(), component);
    llvm::ArrayRef<char> bytes(
        reinterpret_cast<const char *>(data.bytes.data()), data.bytes.size());
    auto blob = HeapAsmResourceBlob::allocateAndCopyInferAlign(bytes);
    values.push_back(arith::ConstantOp::create(
        b, layer.use->get().getLoc(),
        DenseResourceElementsAttr::get(type, layer.name + "." + component.name,
                                       std::move(blob))));
  }
  return values;
}

/// The components as parameters in a file.
static llvm::SmallVector<Value>
parametersOf(OpBuilder &b, const StageLayer &layer, const std::string &path) {
  llvm::SmallVector<Value> values;
  int64_t offset = 0;
  for (const numerics::Component &component : componentsOf(layer)) {
    offset = llvm::alignTo(offset, alignment);
    auto type = mlir::qc::getComponentType(b.getContext(), component);
    int64_t size = bytesOf(type);
    values.push_back(mlir::qc::ParameterOp::create(
        b, layer.use->get().getLoc(), type, layer.name + "." + component.name,
        path, offset, size));
    offset += size;
  }
  return values;
}

static Error writeComponents(const numerics::Encoded &encoded,
                             const std::string &path) {
  OutputFile file(path);
  if (Error error = file.open())
    return error;
  for (const numerics::ComponentData &data : encoded.data) {
    file.os().write_zeros(llvm::alignTo(file.os().tell(), alignment) -
                          file.os().tell());
    file.os().write(reinterpret_cast<const char *>(data.bytes.data()),
                    data.bytes.size());
  }
  return file.finish();
}

/// The codes of all weights as the layer's encoding keeps them.
static numerics::Encoded keptOf(const StageLayer &layer,
                                const numerics::Encoded &encoded) {
  auto sparse = dyn_cast_if_present<mlir::qc::SparseAttr>(layer.encoding);
  if (!sparse)
    return encoded;
  auto shape = cast<RankedTensorType>(layer.use->get().getType()).getShape();
  auto bytes = sparse.compact(
      encoded.data, numerics::decode(encoded.spec, shape, encoded.data), shape);
  numerics::Encoded kept;
  kept.spec = encoded.spec;
  for (auto [component, data] : llvm::zip_equal(componentsOf(layer), bytes))
    kept.data.push_back({component, {data.begin(), data.end()}});
  return kept;
}

Error ComponentStore::replace(size_t index, const StageLayer &layer,
                              const numerics::Encoded *dense) {
  std::optional<numerics::Encoded> encoded;
  if (dense)
    encoded = keptOf(layer, *dense);
  if (encoded && !folder.empty())
    if (Error error = writeComponents(*encoded, fileOf(index)))
      return error;
  Operation *replaced = layer.getReplaced();
  mlir::qc::PruneOp prune = layer.getPrune();
  OpBuilder b(replaced);
  llvm::SmallVector<Value> values;
  if (folder.empty()) {
    values = constantsOf(b, layer, *encoded);
  } else {
    // Other parameters of the model may be looked up elsewhere.
    llvm::SmallString<128> path(fileOf(index));
    llvm::sys::fs::make_absolute(path);
    values = parametersOf(b, layer, path.str().str());
  }
  Value found = values.front();
  if (layer.encoding)
    found = mlir::qc::AssembleOp::create(
        b, replaced->getLoc(), replaced->getResult(0).getType(), values);
  replaced->getResult(0).replaceAllUsesWith(found);
  replaced->erase();
  if (layer.encoding && prune && prune->use_empty())
    prune->erase();
  return Error::success();
}

} // namespace qc
