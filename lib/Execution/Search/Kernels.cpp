//===- Kernels.cpp - Layers of a search that oneDNN computes --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidates.h"

#include "qc/Execution/ChooseKernels.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using llvm::Error;
using llvm::Expected;
namespace json = llvm::json;

namespace qc::search {

/// The names that a file of an earlier search has; nothing where there is none.
static std::optional<std::set<std::string>> readNames(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  auto value = json::parse((*buffer)->getBuffer());
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  std::set<std::string> names;
  if (const json::Array *list = value->getAsArray())
    for (const json::Value &name : *list)
      names.insert(name.getAsString().value_or("").str());
  return names;
}

Expected<const std::set<std::string> *>
Candidates::oneDNNLayersIn(size_t candidate) {
  auto known = fasterInOneDNN.find(candidate);
  if (known != fasterInOneDNN.end())
    return &known->second;
  llvm::SmallString<128> path(partial);
  llvm::sys::path::append(path, "onednn-" + std::to_string(candidate));
  std::set<std::string> &names = fasterInOneDNN[candidate];
  if (auto read = readNames(path)) {
    names = std::move(*read);
    return &names;
  }
  CompileOptions trial;
  auto copy = searched(uniform(candidate), trial);
  if (!copy)
    return copy.takeError();
  // The choice is that of the search, not of its last trial.
  trial.recipeFile.clear();
  KernelChoice choice;
  if (Error error = chooseKernels(copy->name, *copy, trial, choice))
    return std::move(error);
  names.insert(trial.oneDNNLayers.begin(), trial.oneDNNLayers.end());
  json::Array list;
  for (const std::string &name : names)
    list.push_back(json::fixUTF8(name));
  std::string text = llvm::formatv("{0}", json::Value(std::move(list))).str();
  if (Error error = writeWholeFile(path, text))
    return std::move(error);
  return &names;
}

Expected<std::vector<std::string>>
Candidates::oneDNNLayers(const Assignment &assignment) {
  std::vector<std::string> layers;
  if (options.kernels != "auto" || !here)
    return layers;
  // Layers that are not searched are the same in all networks.
  auto fixed = oneDNNLayersIn(0);
  if (!fixed)
    return fixed.takeError();
  for (const std::string &name : **fixed)
    if (!indices.count(name))
      layers.push_back(name);
  for (auto [group, choice] : llvm::zip_equal(layerGroups, assignment)) {
    auto faster = oneDNNLayersIn(choice);
    if (!faster)
      return faster.takeError();
    for (const std::string &name : group.layers)
      if ((*faster)->count(name))
        layers.push_back(name);
  }
  llvm::sort(layers);
  return layers;
}

Expected<json::Object> Candidates::recipe(const Assignment &assignment) {
  json::Object recipe = precisionsOf(assignment);
  if (options.kernels == "generated")
    return recipe;
  auto layers = oneDNNLayers(assignment);
  if (!layers)
    return layers.takeError();
  recipe["kernels"] = options.kernels;
  json::Array names;
  for (const std::string &name : *layers)
    names.push_back(json::fixUTF8(name));
  recipe["onednn"] = std::move(names);
  return recipe;
}

} // namespace qc::search
