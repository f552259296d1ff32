//===- Json.h - JSON files that are not trusted -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds what llvm::json would follow to any depth, and reads fields of objects
// with errors that name the file and the key. A fault is kept, not returned, so
// that readers of many fields need no error handling of their own.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_JSON_H
#define QC_SUPPORT_JSON_H

#include "qc/Support/Error.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace qc {

/// Bounds that a JSON text may not exceed; they are checked before it is
/// parsed.
struct JsonLimits {
  uint64_t maxBytes = uint64_t(1) << 28;
  /// Nesting of arrays and objects.
  unsigned maxDepth = 32;
  /// Values of all kinds, each of which costs memory.
  uint64_t maxValues = uint64_t(1) << 23;
};

/// Parses a text; `code` and `file` are for the error. A key that stands twice
/// in one object is refused.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text,
                                            llvm::StringRef code,
                                            llvm::StringRef file,
                                            const JsonLimits &limits = {});

/// "the number 3", "the text 'abc'", "an array", ... for messages.
std::string describeJson(const llvm::json::Value &value);

/// Fields of one object. A missing field is the fallback, or a fault where
/// there is none; null counts as missing. After a fault the results mean
/// nothing, but are within their bounds or 0.
class JsonObject {
public:
  /// `path` names the object in messages: "rope_scaling".
  JsonObject(const llvm::json::Object &object, const llvm::Twine &path,
             FirstFault &fault)
      : object(&object), path(path.str()), fault(&fault) {}
  /// The root of a text, which must be an object.
  static std::optional<JsonObject> root(const llvm::json::Value &value,
                                        FirstFault &fault);

  /// The value of a field; nullptr where it is missing.
  const llvm::json::Value *find(llvm::StringRef key) const;
  bool has(llvm::StringRef key) const { return find(key); }

  int64_t integer(llvm::StringRef key, int64_t min, int64_t max,
                  std::optional<int64_t> fallback = std::nullopt) const;
  /// A number within [min, max], which are finite.
  double number(llvm::StringRef key, double min, double max,
                std::optional<double> fallback = std::nullopt) const;
  bool boolean(llvm::StringRef key,
               std::optional<bool> fallback = std::nullopt) const;
  llvm::StringRef
  text(llvm::StringRef key,
       std::optional<llvm::StringRef> fallback = std::nullopt) const;
  /// Nothing where it is missing (no fault) or no object (a fault).
  std::optional<JsonObject> child(llvm::StringRef key) const;
  /// nullptr where it is missing (no fault) or no array (a fault).
  const llvm::json::Array *array(llvm::StringRef key) const;

  /// "key 'rope_scaling.factor'".
  std::string where(llvm::StringRef key) const;
  void fail(llvm::StringRef key, const llvm::Twine &found,
            const llvm::Twine &expected) const {
    fault->fail(where(key), found, expected);
  }
  const llvm::json::Object &get() const { return *object; }
  FirstFault &getFault() const { return *fault; }

private:
  const llvm::json::Value *require(llvm::StringRef key, bool optional,
                                   const llvm::Twine &expected) const;

  const llvm::json::Object *object;
  std::string path;
  FirstFault *fault;
};

} // namespace qc

#endif // QC_SUPPORT_JSON_H
