//===- ForeignKernel.cpp - Kernels of another architecture ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ForeignKernel.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

#include <fstream>

using namespace qc;
using namespace qc::test;

/// Reads the launch from a file, runs it with each buffer before a page that
/// may not be touched, and writes the buffers to another file.
static const char driverText[] = R"(
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
void kernel(const int64_t *slots, int32_t part);
static int64_t word(FILE *f) {
  int64_t v = 0;
  if (fread(&v, 8, 1, f) != 1)
    v = 0;
  return v;
}
int main(int argc, char **argv) {
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  static char *buffers[64];
  static int64_t sizes[64], slots[256];
  int64_t count = word(in);
  for (int64_t i = 0; i < count; ++i) {
    sizes[i] = word(in);
    int64_t mapped = (sizes[i] + 4095) / 4096 * 4096;
    char *base = mmap(0, mapped + 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(base + mapped, 4096, PROT_NONE);
    buffers[i] = base + mapped - sizes[i];
    if (fread(buffers[i], 1, sizes[i], in) != (size_t)sizes[i])
      return 2;
  }
  int64_t slotCount = word(in);
  for (int64_t i = 0; i < slotCount; ++i) {
    int64_t buffer = word(in), value = word(in);
    slots[i] = buffer < 0 ? value : (int64_t)(intptr_t)buffers[buffer];
  }
  int64_t parts = word(in);
  for (int64_t part = 0; part < parts; ++part)
    kernel(slots, (int32_t)part);
  for (int64_t i = 0; i < count; ++i)
    fwrite(buffers[i], 1, sizes[i], out);
  return fclose(out);
}
)";

static std::string findTool(const char *name) {
  auto path = llvm::sys::findProgramByName(name);
  return path ? *path : std::string();
}

bool qc::test::canRunAArch64() {
  return !findTool("aarch64-linux-gnu-gcc").empty() &&
         !findTool("qemu-aarch64-static").empty();
}

static bool execute(const std::vector<std::string> &command) {
  std::vector<llvm::StringRef> arguments(command.begin(), command.end());
  return llvm::sys::ExecuteAndWait(command.front(), arguments) == 0;
}

ForeignKernel::ForeignKernel(const KernelKey &key, const CpuLevel &level,
                             const numerics::DecodeSpec *weights) {
  llvm::SmallString<128> unique;
  if (llvm::sys::fs::createUniqueDirectory("qc-foreign", unique))
    return;
  folder = unique.str().str();
  std::string error;
  Target target = *parseTarget("aarch64", error);
  auto object = compileObject(key, target, level, "kernel", weights);
  if (!object)
    return;
  std::ofstream(folder + "/kernel.o", std::ios::binary)
      .write(object->getBufferStart(), object->getBufferSize());
  std::ofstream(folder + "/driver.c") << driverText;
  linked = execute({findTool("aarch64-linux-gnu-gcc"), "-O1", "-static", "-o",
                    folder + "/run", folder + "/driver.c", folder + "/kernel.o",
                    "-lm"});
}

ForeignKernel::~ForeignKernel() {
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

bool ForeignKernel::run(const Slots &slots, unsigned slotCount, int64_t parts,
                        const std::vector<GuardedBytes *> &buffers) {
  {
    std::ofstream in(folder + "/in", std::ios::binary);
    auto word = [&](int64_t v) {
      in.write(reinterpret_cast<const char *>(&v), 8);
    };
    word(int64_t(buffers.size()));
    for (GuardedBytes *buffer : buffers) {
      word(int64_t(buffer->bytes()));
      in.write(buffer->as<char>(), int64_t(buffer->bytes()));
    }
    word(slotCount);
    for (unsigned i = 0; i < slotCount; ++i) {
      int64_t found = -1;
      for (size_t b = 0; b < buffers.size(); ++b)
        if (slots.data()[i] ==
            reinterpret_cast<int64_t>(buffers[b]->as<char>()))
          found = int64_t(b);
      word(found);
      word(slots.data()[i]);
    }
    word(parts);
  }
  if (!execute({findTool("qemu-aarch64-static"), folder + "/run",
                folder + "/in", folder + "/out"}))
    return false;
  std::ifstream out(folder + "/out", std::ios::binary);
  for (GuardedBytes *buffer : buffers)
    out.read(buffer->as<char>(), int64_t(buffer->bytes()));
  return bool(out);
}
