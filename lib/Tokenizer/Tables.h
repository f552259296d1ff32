//===- Tables.h - Bytes of compiled tables ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_TABLES_H
#define QC_LIB_TOKENIZER_TABLES_H

#include "State.h"
#include "qc/Runtime/TokenizerTables.h"

namespace qc::tokenizer {

/// A row of a hash table before it has its place.
struct TextEntry {
  std::string text;
  int32_t value = 0;
};

/// Collects what follows the header. Places count from the header's start.
class Tables {
public:
  qc_rt_tokenizer_tables header = {};

  template <typename T> qc_rt_list add(llvm::ArrayRef<T> elements) {
    return addBytes(elements.data(), elements.size(), sizeof(T), alignof(T));
  }
  qc_rt_list addText(llvm::StringRef text) {
    return addBytes(text.data(), text.size(), 1, 1);
  }
  /// Hash tables, in the order of the entries.
  qc_rt_list addTextRows(llvm::ArrayRef<TextEntry> entries);
  qc_rt_list addPairRows(llvm::ArrayRef<qc_rt_pair_row> entries);

  /// Classes and, as far as the header's steps need them, normal forms.
  void addCharacters(bool canonical, bool compatible);

  /// The tables; empty where they do not fit into 32 bits.
  std::string finish();

private:
  qc_rt_list addBytes(const void *data, size_t count, size_t size,
                      size_t alignment);

  std::string bytes;
};

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_TABLES_H
