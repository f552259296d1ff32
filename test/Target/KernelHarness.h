//===- KernelHarness.h - Running kernels in tests ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a kernel for a level of the host as a library would, and gives it
// memory whose neighbours may not be touched.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_TARGET_KERNELHARNESS_H
#define QC_TEST_TARGET_KERNELHARNESS_H

#include "qc/Target/Codegen/ObjectEmitter.h"
#include "qc/Target/Codegen/ObjectJit.h"
#include "qc/Target/Kernels/Kernels.h"
#include "qc/TargetInfo/KernelKey.h"
#include "qc/TargetInfo/Target.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <sys/mman.h>

namespace qc::test {

/// The architecture of the machine that runs the tests.
inline Arch hostArch() { return hostTarget().arch; }

inline Target hostArchTarget() {
  std::string error;
  return *parseTarget(hostArch() == Arch::X86_64 ? "x86-64" : "aarch64", error);
}

/// All known levels that this machine runs.
inline std::vector<CpuLevel> hostLevels() {
  std::vector<CpuLevel> levels;
  for (const CpuLevel &level : knownLevels(hostArch()))
    if (hostRuns(hostArch(), level))
      levels.push_back(level);
  return levels;
}

/// The levels and, where AVX-512 VNNI is one of them, the code of avxvnni in
/// the encoding that it shares.
inline std::vector<CpuLevel> withNarrowVnni(std::vector<CpuLevel> levels) {
  for (CpuLevel level : levels)
    if (level.name == "avx512vnni") {
      level.name = "avx512vnni_256";
      level.vectorBits = 256;
      level.vectorRegisters = 16;
      levels.push_back(level);
      break;
    }
  return levels;
}

/// What a kernel is tested on: everything that this machine runs and that has
/// code of its own for it.
inline std::vector<CpuLevel> testLevels(const KernelKey &key) {
  std::vector<CpuLevel> levels = withNarrowVnni(hostLevels());
  std::erase_if(levels, [&](const CpuLevel &level) {
    return levelOfCode(key.symbol(), level) != level.name;
  });
  return levels;
}

/// The object code of one kernel; null and a failed assertion on error.
inline std::unique_ptr<llvm::MemoryBuffer>
compileObject(const KernelKey &key, const Target &target, const CpuLevel &level,
              const std::string &symbol,
              const numerics::DecodeSpec *weights = nullptr) {
  mlir::MLIRContext context;
  loadKernelDialects(context);
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  if (llvm::failed(emitKernel(*module, key, level, target, symbol, weights)))
    return nullptr;
  auto object = emitObject(*module, target, level);
  if (!object) {
    llvm::errs() << llvm::toString(object.takeError()) << "\n";
    return nullptr;
  }
  return std::move(*object);
}

inline std::string testSymbol(const KernelKey &key, const CpuLevel &level) {
  return key.symbol() + "__on_" + level.name;
}

/// As compileObject, but keeps objects in the folder QC_KERNEL_OBJECTS if that
/// variable is set: those of all levels, so that an emulated machine finds
/// there what it runs and need not compile.
inline std::unique_ptr<llvm::MemoryBuffer>
compileOrFindObject(const KernelKey &key, const CpuLevel &level,
                    const numerics::DecodeSpec *weights) {
  const char *folder = std::getenv("QC_KERNEL_OBJECTS");
  auto compile = [&](const CpuLevel &of) {
    return compileObject(key, hostArchTarget(), of, testSymbol(key, of),
                         weights);
  };
  if (!folder)
    return compile(level);
  auto pathOf = [&](const CpuLevel &of) {
    return std::string(folder) + "/" + testSymbol(key, of) + ".o";
  };
  if (auto found = llvm::MemoryBuffer::getFile(pathOf(level)))
    return std::move(*found);
  std::unique_ptr<llvm::MemoryBuffer> wanted;
  std::vector<CpuLevel> all = withNarrowVnni(knownLevels(hostArch()));
  if (llvm::none_of(all, [&](auto &of) { return of.name == level.name; }))
    all = {level};
  for (const CpuLevel &of : all) {
    auto object = compile(of);
    if (object)
      std::ofstream(pathOf(of), std::ios::binary)
          .write(object->getBufferStart(), object->getBufferSize());
    if (of.name == level.name)
      wanted = std::move(object);
  }
  return wanted;
}

/// The kernel of a key on a level, compiled once per process. Encoded weights
/// are told apart by the name of their encoding in the key.
inline KernelFunction
compileKernel(const KernelKey &key, const CpuLevel &level,
              const numerics::DecodeSpec *weights = nullptr) {
  static std::map<std::string, KernelFunction> known;
  static std::unique_ptr<ObjectJit> jit;
  std::string symbol = testSymbol(key, level);
  if (auto found = known.find(symbol); found != known.end())
    return found->second;
  if (!jit)
    jit = llvm::cantFail(ObjectJit::create());
  auto object = compileOrFindObject(key, level, weights);
  if (!object)
    return nullptr;
  llvm::cantFail(jit->addObject(std::move(object)));
  return known[symbol] = llvm::cantFail(jit->lookupKernel(symbol));
}

/// `bytes` bytes that end at (or, with `atStart`, begin at) a page that may not
/// be touched.
class GuardedBytes {
public:
  explicit GuardedBytes(size_t bytes, bool atStart = false) : size(bytes) {
    const size_t page = 4096;
    mapped = (bytes + page - 1) / page * page + 2 * page;
    base = static_cast<char *>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base, page, PROT_NONE);
    mprotect(base + mapped - page, page, PROT_NONE);
    begin = atStart ? base + page : base + mapped - page - bytes;
  }
  GuardedBytes(const GuardedBytes &) = delete;
  ~GuardedBytes() { munmap(base, mapped); }

  template <typename T> T *as() { return reinterpret_cast<T *>(begin); }
  size_t bytes() const { return size; }

private:
  size_t size, mapped;
  char *base, *begin;
};

/// Guarded memory with the elements of a vector.
template <typename T>
std::unique_ptr<GuardedBytes> guarded(const std::vector<T> &values,
                                      bool atStart = false) {
  auto bytes =
      std::make_unique<GuardedBytes>(values.size() * sizeof(T), atStart);
  if (!values.empty())
    std::memcpy(bytes->template as<char>(), values.data(), bytes->bytes());
  return bytes;
}

/// The slots of a launch.
class Slots {
public:
  explicit Slots(unsigned count) : words(count, 0) {}
  void set(unsigned i, int64_t v) { words[i] = v; }
  void set(unsigned i, const void *p) {
    words[i] = reinterpret_cast<int64_t>(p);
  }
  void setFloat(unsigned i, float v) { words[i] = std::bit_cast<uint32_t>(v); }
  const int64_t *data() const { return words.data(); }
  unsigned size() const { return unsigned(words.size()); }

private:
  std::vector<int64_t> words;
};

inline void runParts(KernelFunction kernel, const Slots &slots, int64_t parts) {
  for (int64_t part = 0; part < parts; ++part)
    kernel(slots.data(), static_cast<int32_t>(part));
}

/// Reproducible values.
class Random {
public:
  explicit Random(uint32_t seed) : engine(seed) {}
  int64_t integer(int64_t lo, int64_t hi) {
    return lo + int64_t(engine() % uint64_t(hi - lo + 1));
  }
  float real(float lo, float hi) {
    return lo + (hi - lo) * (float(engine() >> 8) * 0x1p-24f);
  }

private:
  std::mt19937 engine;
};

} // namespace qc::test

#endif // QC_TEST_TARGET_KERNELHARNESS_H
