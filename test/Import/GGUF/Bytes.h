//===- Bytes.h - The bytes of a GGUF file -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds files piece by piece, so that tests can build wrong ones.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_IMPORT_GGUF_BYTES_H
#define QC_TEST_IMPORT_GGUF_BYTES_H

#include <cstdint>
#include <string>
#include <vector>

namespace qc::test {

class Bytes {
public:
  Bytes &add(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      bytes += static_cast<char>(value >> (8 * i));
    return *this;
  }
  Bytes &u8(uint64_t value) { return add(value, 1); }
  Bytes &u32(uint64_t value) { return add(value, 4); }
  Bytes &u64(uint64_t value) { return add(value, 8); }
  Bytes &text(const std::string &value) {
    u64(value.size());
    bytes += value;
    return *this;
  }
  Bytes &raw(const std::string &value) {
    bytes += value;
    return *this;
  }
  Bytes &alignTo(size_t alignment) {
    while (bytes.size() % alignment)
      bytes += '\0';
    return *this;
  }
  /// The head of a file.
  Bytes &head(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    return raw("GGUF").u32(version).u64(tensors).u64(entries);
  }
  Bytes &tensor(const std::string &name, std::vector<uint64_t> sizes,
                uint32_t type, uint64_t offset) {
    text(name).u32(sizes.size());
    for (uint64_t size : sizes)
      u64(size);
    return u32(type).u64(offset);
  }

  std::string bytes;
};

} // namespace qc::test

#endif // QC_TEST_IMPORT_GGUF_BYTES_H
