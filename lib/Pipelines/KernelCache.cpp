//===- KernelCache.cpp - Object code of kernels that is there -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Pipelines/KernelCache.h"
#include "qc/Support/OutputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"

#include <link.h>

#include <cstring>

using namespace llvm;

using Digest = std::array<uint8_t, 32>;

static Digest digestOf(StringRef bytes) {
  return SHA256::hash(arrayRefFromStringRef(bytes));
}

/// Appends the linker's build id of a loaded file to the string `out`.
static int addBuildId(dl_phdr_info *info, size_t, void *out) {
  auto padded = [](size_t size) { return (size + 3) & ~size_t(3); };
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE)
      continue;
    auto *at = reinterpret_cast<const char *>(info->dlpi_addr + header.p_vaddr);
    const char *end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof(note));
      const char *name = at + sizeof(note);
      const char *id = name + padded(note.n_namesz);
      if (note.n_type == NT_GNU_BUILD_ID &&
          StringRef(name, note.n_namesz) == StringRef("GNU\0", 4))
        static_cast<std::string *>(out)->append(id, note.n_descsz);
      at = id + padded(note.n_descsz);
    }
  }
  return 0;
}

/// What tells this program and the libraries that it loaded from all others.
/// Empty where its linker has left no build id.
static const std::string &compilerIdentity() {
  static const std::string identity = [] {
    std::string program, all;
    dl_iterate_phdr(
        [](dl_phdr_info *info, size_t size, void *out) {
          addBuildId(info, size, out);
          return 1;
        },
        &program);
    if (!program.empty())
      dl_iterate_phdr(addBuildId, &all);
    return all;
  }();
  return identity;
}

/// The folder of $QC_CACHE or of the user's caches, made if need be; empty
/// where there is none.
static std::string cacheFolder() {
  std::optional<std::string> chosen = sys::Process::GetEnv("QC_CACHE");
  SmallString<128> folder;
  if (chosen && !chosen->empty())
    folder = *chosen;
  else if (sys::path::cache_directory(folder))
    sys::path::append(folder, "qc");
  if (folder.empty() || folder == "off" || compilerIdentity().empty() ||
      sys::fs::create_directories(folder, true, sys::fs::owner_all))
    return "";
  return std::string(folder);
}

qc::KernelCache::KernelCache() : folder(cacheFolder()) {}

qc::KernelCache::~KernelCache() {
  if (!added || folder.empty())
    return;
  CachePruningPolicy policy;
  policy.MaxSizeBytes = uint64_t(512) << 20;
  pruneCache(folder, policy);
}

std::string qc::KernelCache::path(StringRef key) const {
  SHA256 hash;
  hash.update(compilerIdentity());
  hash.update(key);
  SmallString<128> path(folder);
  // The only names that pruneCache removes begin so.
  sys::path::append(path, "llvmcache-" + toHex(hash.final(), true));
  return std::string(path);
}

const std::string *qc::KernelCache::find(StringRef key) {
  auto known = objects.find(key);
  if (known != objects.end())
    return &known->second;
  if (folder.empty())
    return nullptr;
  auto file = MemoryBuffer::getFile(path(key), false, false);
  if (!file)
    return nullptr;
  // The bytes and then their hash: a file that is not whole is none.
  StringRef bytes = (*file)->getBuffer();
  StringRef hash = bytes.take_back(sizeof(Digest));
  bytes = bytes.drop_back(std::min(bytes.size(), sizeof(Digest)));
  if (hash != toStringRef(digestOf(bytes)))
    return nullptr;
  return &objects.emplace(key.str(), bytes.str()).first->second;
}

const std::string &qc::KernelCache::add(StringRef key, std::string object) {
  std::string &kept = objects[key.str()];
  kept = std::move(object);
  if (folder.empty())
    return kept;
  OutputFile file(path(key));
  // A cache that can't be written to is no one's error.
  if (Error error = file.open()) {
    consumeError(std::move(error));
    return kept;
  }
  file.os() << kept << toStringRef(digestOf(kept));
  if (Error error = file.finish())
    consumeError(std::move(error));
  added = true;
  return kept;
}
