//===- KernelKey.cpp - What a generated kernel is keyed by ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a key and its parser. Names are C identifiers in lower or upper
// case, so that a key's symbol is one too.
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/KernelKey.h"

#include <algorithm>

using namespace qc;

static bool isNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

static bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), isNameChar);
}

static std::string join(const std::vector<std::string> &names, char separator) {
  std::string out;
  for (const std::string &name : names) {
    if (!out.empty())
      out += separator;
    out += name;
  }
  return out;
}

/// Splits `text` at commas; false where a name is empty or odd. An empty text
/// is an empty list.
static bool split(std::string_view text, std::vector<std::string> &names) {
  if (text.empty())
    return true;
  while (true) {
    size_t comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    if (!isName(name))
      return false;
    names.emplace_back(name);
    if (comma == std::string_view::npos)
      return true;
    text.remove_prefix(comma + 1);
  }
}

bool KernelKey::has(std::string_view flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

std::string KernelKey::text() const {
  std::string out = op + ":" + join(types, ',');
  if (!flags.empty())
    out.append(":").append(join(flags, ','));
  return out;
}

std::string KernelKey::symbol() const {
  std::string out = op;
  if (!types.empty())
    out.append("_").append(join(types, '_'));
  if (!flags.empty())
    out.append("__").append(join(flags, '_'));
  return out;
}

std::optional<KernelKey> KernelKey::parse(std::string_view text) {
  KernelKey key;
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || !isName(text.substr(0, colon)))
    return std::nullopt;
  key.op = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  colon = text.find(':');
  if (!split(text.substr(0, colon), key.types))
    return std::nullopt;
  if (colon == std::string_view::npos)
    return key;
  text.remove_prefix(colon + 1);
  if (text.empty() || !split(text, key.flags))
    return std::nullopt;
  return key;
}

/// Kernels whose code differs where there are tile registers.
static bool usesTiles(std::string_view kernel) {
  return kernel.starts_with("contract_u8_i8_") ||
         kernel.starts_with("batch_matmul_u8_u8_");
}

const std::string &qc::levelOfCode(const std::string &kernel,
                                   const CpuLevel &level) {
  bool own = level.sharedWith.empty() || usesTiles(kernel);
  return own ? level.name : level.sharedWith;
}

std::string qc::codeSymbol(const std::string &kernel, const CpuLevel &level) {
  return kernel + "__" + levelOfCode(kernel, level);
}
