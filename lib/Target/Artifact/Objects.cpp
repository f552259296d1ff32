//===- Objects.cpp - The object that holds the weights --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are bytes: their ELF object is written directly, one aligned
// read-only section and one symbol, without a pass through an assembler.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"

#include <cstring>

using namespace qc;
using namespace qc::artifact;
using namespace llvm;

namespace {
using Elf = object::ELF64LE;

/// Bytes of an object under construction.
struct Writer {
  std::string out;

  template <typename T> void put(const T &value) {
    out.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  uint64_t align(uint64_t to) {
    out.resize((out.size() + to - 1) / to * to);
    return out.size();
  }
};
} // namespace

static Elf::Ehdr fileHeader(Arch arch, uint64_t sectionTable) {
  Elf::Ehdr header = {};
  std::memcpy(header.e_ident, ELF::ElfMagic, 4);
  header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
  header.e_type = ELF::ET_REL;
  header.e_machine = arch == Arch::X86_64 ? ELF::EM_X86_64 : ELF::EM_AARCH64;
  header.e_version = ELF::EV_CURRENT;
  header.e_shoff = sectionTable;
  header.e_ehsize = sizeof(Elf::Ehdr);
  header.e_shentsize = sizeof(Elf::Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 4;
  return header;
}

static Elf::Shdr section(uint32_t name, uint32_t type, uint64_t offset,
                         uint64_t size, uint64_t alignment) {
  Elf::Shdr header = {};
  header.sh_name = name;
  header.sh_type = type;
  header.sh_offset = offset;
  header.sh_size = size;
  header.sh_addralign = alignment;
  return header;
}

std::string qc::artifact::weightsObject(Arch arch, StringRef bytes) {
  // Names of the sections, in the order of the table, and of the symbols.
  static const char names[] = "\0.rodata.qc_weights\0.symtab\0.strtab\0"
                              ".shstrtab\0.note.GNU-stack";
  const uint32_t data = 1, symtab = 20, strtab = 28, shstrtab = 36, note = 46;
  std::string strings = std::string(1, '\0') + weightsSymbol + '\0';

  Writer writer;
  writer.out.reserve(bytes.size() + 4096);
  writer.put(Elf::Ehdr());
  uint64_t dataAt = writer.align(QC_RT_ALIGNMENT);
  writer.out.append(bytes.data(), bytes.size());
  uint64_t symbolsAt = writer.align(8);
  Elf::Sym symbol = {};
  writer.put(symbol);
  symbol.st_name = 1;
  symbol.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
  symbol.setVisibility(ELF::STV_HIDDEN);
  symbol.st_shndx = 1;
  symbol.st_size = bytes.size();
  writer.put(symbol);
  uint64_t stringsAt = writer.out.size();
  writer.out += strings;
  uint64_t namesAt = writer.out.size();
  writer.out.append(names, sizeof names);
  uint64_t table = writer.align(8);

  writer.put(Elf::Shdr());
  Elf::Shdr header =
      section(data, ELF::SHT_PROGBITS, dataAt, bytes.size(), QC_RT_ALIGNMENT);
  header.sh_flags = ELF::SHF_ALLOC;
  writer.put(header);
  header = section(symtab, ELF::SHT_SYMTAB, symbolsAt, 2 * sizeof symbol, 8);
  header.sh_link = 3;
  header.sh_info = 1;
  header.sh_entsize = sizeof symbol;
  writer.put(header);
  writer.put(section(strtab, ELF::SHT_STRTAB, stringsAt, strings.size(), 1));
  writer.put(section(shstrtab, ELF::SHT_STRTAB, namesAt, sizeof names, 1));
  writer.put(section(note, ELF::SHT_PROGBITS, table, 0, 1));

  Elf::Ehdr start = fileHeader(arch, table);
  std::memcpy(writer.out.data(), &start, sizeof start);
  return std::move(writer.out);
}

Digest qc::artifact::sha256(StringRef bytes) { return Sha256::of(bytes); }

Expected<Digest> qc::artifact::sha256(StringRef bytes, StringRef rest) {
  Sha256 hash;
  hash.update(bytes);
  std::error_code code;
  if (!rest.empty())
    code = readPieces(rest, [&](StringRef piece) {
      hash.update(piece);
      return true;
    });
  if (code)
    return inputError("read", rest, "", code.message(), "the packed weights");
  return hash.digest();
}

std::string qc::artifact::hex(ArrayRef<uint8_t> digest) {
  return toHex(digest, /*LowerCase=*/true);
}
