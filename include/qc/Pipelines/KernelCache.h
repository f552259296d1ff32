//===- KernelCache.h - Object code of kernels that is there -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is keyed by what it computes and for which CPU, not by the sizes of
// a network, so the next compilation asks for most of the same ones.
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_KERNELCACHE_H
#define QC_PIPELINES_KERNELCACHE_H

#include "llvm/ADT/StringRef.h"

#include <map>
#include <string>

namespace qc {

/// Object code by a text that tells all that it depends on but the compiler.
/// It is kept in memory, and in a folder that processes of the same compiler
/// share: $QC_CACHE, else qc in $XDG_CACHE_HOME or ~/.cache. With QC_CACHE=off,
/// or where that folder can't be written, in memory alone. Files that no one
/// asked for in a week go, and the oldest where they pass 512 MiB.
class KernelCache {
public:
  KernelCache();
  KernelCache(const KernelCache &) = delete;
  KernelCache &operator=(const KernelCache &) = delete;
  ~KernelCache();

  /// The object code of `key`, or null. It stays until this object goes.
  const std::string *find(llvm::StringRef key);
  const std::string &add(llvm::StringRef key, std::string object);

private:
  std::string path(llvm::StringRef key) const;

  std::map<std::string, std::string, std::less<>> objects;
  /// Empty: none.
  std::string folder;
  bool added = false;
};

} // namespace qc

#endif // QC_PIPELINES_KERNELCACHE_H
