//===- Tables.cpp - Bytes of compiled tables ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tables.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <map>

using namespace qc;
using namespace qc::tokenizer;

qc_rt_list Tables::addBytes(const void *data, size_t count, size_t size,
                            size_t alignment) {
  while ((sizeof header + bytes.size()) % alignment)
    bytes += '\0';
  auto offset = static_cast<uint32_t>(sizeof header + bytes.size());
  bytes.append(static_cast<const char *>(data), count * size);
  return {offset, static_cast<uint32_t>(count)};
}

/// Puts rows where the hashes of entries say; at most two thirds are used.
template <typename Row, typename HashOf>
static std::vector<Row> spread(std::vector<Row> entries, Row empty,
                               HashOf hashOf) {
  if (entries.empty())
    return {};
  size_t size = llvm::NextPowerOf2(entries.size() + entries.size() / 2);
  std::vector<Row> rows(size, empty);
  for (const Row &entry : entries) {
    size_t at = hashOf(entry) & (size - 1);
    while (rows[at].value >= 0)
      at = (at + 1) & (size - 1);
    rows[at] = entry;
  }
  return rows;
}

qc_rt_list Tables::addTextRows(llvm::ArrayRef<TextEntry> entries) {
  std::vector<qc_rt_text_row> rows;
  for (const TextEntry &entry : entries)
    rows.push_back({addText(entry.text), entry.value});
  rows = spread(rows, qc_rt_text_row{{0, 0}, -1}, [&](qc_rt_text_row row) {
    return qc_rt_hash_text(bytes.data() + row.text.offset - sizeof header,
                           row.text.count);
  });
  return add<qc_rt_text_row>(rows);
}

qc_rt_list Tables::addPairRows(llvm::ArrayRef<qc_rt_pair_row> entries) {
  std::vector<qc_rt_pair_row> rows =
      spread(entries.vec(), qc_rt_pair_row{0, 0, 0, -1},
             [](const qc_rt_pair_row &row) {
               return qc_rt_hash_pair(row.left, row.right);
             });
  return add<qc_rt_pair_row>(rows);
}

//===----------------------------------------------------------------------===//
// Characters
//===----------------------------------------------------------------------===//

static bool isHangul(uint32_t code) { return code >= 0xac00 && code <= 0xd7a3; }

/// Characters that are equal in all that the tables know share a record, and
/// blocks with the same records share a list.
void Tables::addCharacters(bool canonical, bool compatible) {
  using Key = std::array<uint32_t, 7>;
  std::map<Key, uint16_t> recordOf;
  std::map<std::vector<uint16_t>, uint16_t> listOf;
  std::vector<qc_rt_character> records;
  std::vector<uint16_t> blockOf, blocks, block;
  std::vector<qc_rt_pair_row> compositions;
  auto decompose = [&](uint32_t code, bool wanted, bool form) {
    std::vector<uint32_t> codes;
    if (wanted && !isHangul(code))
      codes = unicode::decomposition(code, form);
    return codes.empty() ? qc_rt_list{0, 0} : add<uint32_t>(codes);
  };
  bool forms = canonical || compatible;
  for (uint32_t code = 0; code < QC_RT_CHARACTERS; ++code) {
    qc_rt_character record = {};
    record.kind = static_cast<uint8_t>(unicode::classOf(code));
    record.word = unicode::isWord(code);
    record.order = forms ? unicode::combiningClass(code) : 0;
    record.canonical = decompose(code, canonical, false);
    record.compatible = decompose(code, compatible, true);
    Key key = {record.kind,
               record.word,
               record.order,
               record.canonical.offset,
               record.canonical.count,
               record.compatible.offset,
               record.compatible.count};
    auto [at, isNew] =
        recordOf.try_emplace(key, static_cast<uint16_t>(records.size()));
    if (isNew)
      records.push_back(record);
    block.push_back(at->second);
    if (auto pair = unicode::composedOf(code); pair && forms && !isHangul(code))
      compositions.push_back(
          {pair->first, pair->second, 0, static_cast<int32_t>(code)});
    if (block.size() < QC_RT_CHARACTER_BLOCK)
      continue;
    auto number = static_cast<uint16_t>(blocks.size() / QC_RT_CHARACTER_BLOCK);
    auto [list, isNewList] = listOf.try_emplace(block, number);
    if (isNewList)
      llvm::append_range(blocks, block);
    blockOf.push_back(list->second);
    block.clear();
  }
  header.block_of = add<uint16_t>(blockOf).offset;
  header.blocks = add<uint16_t>(blocks).offset;
  header.characters = add<qc_rt_character>(records);
  header.compositions = addPairRows(compositions);
}

std::string Tables::finish() {
  while ((sizeof header + bytes.size()) % 8)
    bytes += '\0';
  if (sizeof header + bytes.size() > UINT32_MAX)
    return "";
  std::memcpy(header.magic, QC_RT_TOKENIZER_MAGIC, sizeof header.magic);
  header.version = QC_RT_TOKENIZER_VERSION;
  header.bytes = sizeof header + bytes.size();
  std::string result(reinterpret_cast<const char *>(&header), sizeof header);
  result += bytes;
  size_t start = offsetof(qc_rt_tokenizer_tables, flags);
  std::vector<uint64_t> words((result.size() - start) / 8);
  std::memcpy(words.data(), result.data() + start, 8 * words.size());
  header.checksum = qc_rt_checksum(words.data(), words.size());
  return std::string(reinterpret_cast<const char *>(&header), sizeof header) +
         bytes;
}
