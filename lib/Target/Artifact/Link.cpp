//===- Link.cpp - From objects to libNAME.a and libNAME.so ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld merges the objects into one, whose public functions get the network's
// prefix and whose other symbols become local, so that two networks link into
// one program. The shared library is linked from that object against stubs that
// carry nothing but the names of libc, libm, libdnnl and libgomp: its bytes do
// not depend on the machine it is made on. No C compiler takes part.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/StringSaver.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

namespace {
/// A public function: NAME_`name` is qc_rt_`symbol` in the objects.
struct PublicFunction {
  const char *name;
  std::string symbol;

  PublicFunction(const char *name) : name(name), symbol(name) {}
  PublicFunction(const char *name, const char *symbol)
      : name(name), symbol(symbol) {}
};
} // namespace

static std::vector<PublicFunction> publicFunctions(const NetSpec &net) {
  if (!net.language)
    return {"open",        "close",        "inputs",        "outputs",
            "arena_bytes", "context_open", "context_close", "run",
            "run_f32",     "status_text",  "manifest"};
  return {{"open", "language_open"},
          "close",
          "session_bytes",
          "session_open",
          "session_close",
          "session_copy",
          "session_truncate",
          "eval",
          "eval_all",
          "sample",
          "generate",
          "tokenize",
          "detokenize",
          "chat_template",
          "end_tokens",
          "status_text",
          "manifest"};
}

namespace {

/// What each library that an artifact may need offers to it.
struct StubLibrary {
  const char *soname;
  std::vector<const char *> functions;
};

/// A folder of its own for the files that lld reads and writes.
class Scratch {
public:
  Scratch() { failure = sys::fs::createUniqueDirectory("qc-link", folder); }
  ~Scratch() {
    if (!failure)
      sys::fs::remove_directories(folder);
  }

  std::string path(const Twine &name) const {
    SmallString<128> path(folder);
    sys::path::append(path, name);
    return path.str().str();
  }

  Error write(StringRef path, StringRef bytes) const {
    if (failure)
      return inputError("temporary-folder", "", "", failure.message(),
                        "a folder for temporary files that can be written");
    return writeWholeFile(path, bytes);
  }

  std::error_code failure;
  SmallString<128> folder;
};

} // namespace

static std::vector<StubLibrary> stubLibraries() {
  return {
      {"libc.so.6",
       {"malloc",  "calloc",  "free",   "aligned_alloc", "memcpy", "memmove",
        "memset",  "memcmp",  "bcmp",   "strlen",        "open",   "close",
        "lseek",   "mmap",    "munmap", "getauxval",     "abort",  "strstr",
        "strncpy", "strncmp", "qsort",  "clock_gettime", "realloc"}},
      {"libm.so.6",
       {"fma",   "fmaf",   "exp",       "expf",       "exp2",      "exp2f",
        "log",   "logf",   "log2",      "log2f",      "pow",       "powf",
        "sin",   "sinf",   "cos",       "cosf",       "tan",       "tanf",
        "tanh",  "tanhf",  "erf",       "erff",       "floor",     "floorf",
        "ceil",  "ceilf",  "rint",      "rintf",      "nearbyint", "nearbyintf",
        "round", "roundf", "roundeven", "roundevenf", "trunc",     "truncf",
        "sqrt",  "sqrtf",  "fmod",      "fmodf",      "fmin",      "fminf",
        "fmax",  "fmaxf",  "fabs",      "fabsf",      "acos",      "acosf",
        "acosh", "acoshf", "asin",      "asinf",      "asinh",     "asinhf",
        "atan",  "atanf",  "atan2",     "atan2f",     "atanh",     "atanhf",
        "cbrt",  "cbrtf",  "cosh",      "coshf",      "erfc",      "erfcf",
        "expm1", "expm1f", "log10",     "log10f",     "log1p",     "log1pf",
        "sinh",  "sinhf"}},
      {"libdnnl.so.3",
       {"dnnl_convolution_forward_primitive_desc_create",
        "dnnl_engine_create",
        "dnnl_engine_destroy",
        "dnnl_get_effective_cpu_isa",
        "dnnl_matmul_primitive_desc_create",
        "dnnl_memory_create",
        "dnnl_memory_desc_create_with_strides",
        "dnnl_memory_desc_create_with_tag",
        "dnnl_memory_desc_destroy",
        "dnnl_memory_desc_get_size",
        "dnnl_memory_destroy",
        "dnnl_memory_set_data_handle",
        "dnnl_primitive_attr_create",
        "dnnl_primitive_attr_destroy",
        "dnnl_primitive_attr_set_scratchpad_mode",
        "dnnl_primitive_create",
        "dnnl_primitive_desc_destroy",
        "dnnl_primitive_desc_query",
        "dnnl_primitive_desc_query_md",
        "dnnl_primitive_destroy",
        "dnnl_primitive_execute",
        "dnnl_primitive_get_primitive_desc",
        "dnnl_reorder_primitive_desc_create",
        "dnnl_stream_create",
        "dnnl_stream_destroy",
        "dnnl_stream_wait"}},
      {"libgomp.so.1",
       {"GOMP_parallel", "omp_get_max_threads", "omp_set_num_threads"}},
  };
}

static Error runLld(std::vector<std::string> arguments) {
  std::vector<const char *> pointers = {"ld.lld"};
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string output;
  raw_string_ostream stream(output);
  bool linked = lld::elf::link(pointers, stream, stream, /*exitEarly=*/false,
                               /*disableOutput=*/false);
  lld::CommonLinkerContext::destroy();
  if (!linked)
    return inputError("link", "", "", StringRef(output).trim(),
                      "objects that link");
  return Error::success();
}

static Expected<std::string> readFile(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, false);
  if (!buffer)
    return inputError("read", path, "", buffer.getError().message(),
                      "a file that can be read");
  return (*buffer)->getBuffer().str();
}

static std::string emulation(Arch arch) {
  return arch == Arch::X86_64 ? "elf_x86_64" : "aarch64linux";
}

/// Renames the public functions and hides the rest.
static Expected<std::string> rename(StringRef bytes, const NetSpec &net) {
  auto binary =
      object::ObjectFile::createObjectFile(MemoryBufferRef(bytes, net.name));
  if (!binary)
    return binary.takeError();
  objcopy::ConfigManager config;
  config.Common.StripDebug = true;
  BumpPtrAllocator memory;
  StringSaver saver(memory);
  std::vector<PublicFunction> functions = publicFunctions(net);
  std::vector<std::string> names;
  for (const PublicFunction &function : functions)
    names.push_back(net.name + "_" + function.name);
  auto ignore = [](Error error) { return error; };
  // Symbols are matched by their names before they are renamed.
  for (auto [function, name] : llvm::zip(functions, names)) {
    std::string before = "qc_rt_" + function.symbol;
    if (Error error = config.Common.SymbolsToKeepGlobal.addMatcher(
            objcopy::NameOrPattern::create(
                saver.save(before), objcopy::MatchStyle::Literal, ignore)))
      return error;
    config.Common.SymbolsToRename[before] = name;
  }
  for (StringRef name : {".comment", ".note.gnu.property"})
    if (Error error =
            config.Common.ToRemove.addMatcher(objcopy::NameOrPattern::create(
                name, objcopy::MatchStyle::Literal, ignore)))
      return error;
  SmallVector<char, 0> out;
  raw_svector_ostream stream(out);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **binary, stream))
    return error;
  return std::string(out.data(), out.size());
}

Expected<std::string>
qc::artifact::linkRelocatable(const ArtifactSpec &spec,
                              std::vector<std::string> objects) {
  Scratch scratch;
  std::string result = scratch.path("linked.o");
  std::vector<std::string> arguments = {
      "-r", "-m", emulation(spec.target.arch), "--threads=1", "-o", result};
  for (auto [index, object] : llvm::enumerate(objects)) {
    std::string path = scratch.path(std::to_string(index) + ".o");
    if (Error error = scratch.write(path, object))
      return error;
    std::string().swap(object);
    arguments.push_back(path);
  }
  if (Error error = runLld(arguments))
    return error;
  auto merged = readFile(result);
  if (!merged)
    return merged;
  return rename(*merged, spec.net);
}

Expected<std::string> qc::artifact::makeArchive(const ArtifactSpec &spec,
                                                StringRef object) {
  std::string name = spec.net.name + ".o";
  NewArchiveMember member(MemoryBufferRef(object, name));
  member.ModTime = sys::TimePoint<std::chrono::seconds>();
  std::vector<NewArchiveMember> members;
  members.push_back(std::move(member));
  auto buffer = writeArchiveToBuffer(members, SymtabWritingMode::NormalSymtab,
                                     object::Archive::K_GNU,
                                     /*Deterministic=*/true, /*Thin=*/false);
  if (!buffer)
    return buffer.takeError();
  return (*buffer)->getBuffer().str();
}

/// A shared library that defines names and does nothing.
static Error makeStub(const Scratch &scratch, const StubLibrary &library,
                      Arch arch, StringRef path) {
  LLVMContext context;
  Module module("stub", context);
  auto *type = FunctionType::get(Type::getVoidTy(context), false);
  for (const char *name : library.functions) {
    auto *function =
        Function::Create(type, GlobalValue::ExternalLinkage, name, module);
    function->addFnAttr(Attribute::NoBuiltin);
    IRBuilder<>(BasicBlock::Create(context, "", function)).CreateRetVoid();
  }
  auto object = emitObject(module, arch);
  if (!object)
    return object.takeError();
  std::string objectPath = (path + ".o").str();
  if (Error error = scratch.write(objectPath, *object))
    return error;
  return runLld({"-shared", "-m", emulation(arch), "--threads=1", "-soname",
                 library.soname, "-o", path.str(), objectPath});
}

Expected<std::string> qc::artifact::linkShared(const ArtifactSpec &spec,
                                               StringRef object) {
  Scratch scratch;
  Arch arch = spec.target.arch;
  std::string input = scratch.path("input.o"),
              output = scratch.path("output.so");
  if (Error error = scratch.write(input, object))
    return error;
  std::vector<std::string> arguments = {"-shared",
                                        "-m",
                                        emulation(arch),
                                        "--threads=1",
                                        "-soname",
                                        "lib" + spec.net.name + ".so",
                                        "--build-id=none",
                                        "--hash-style=gnu",
                                        "--eh-frame-hdr",
                                        "-z",
                                        "defs",
                                        "-z",
                                        "relro",
                                        "-z",
                                        "now",
                                        "-z",
                                        "noexecstack",
                                        "-o",
                                        output,
                                        input,
                                        "--as-needed"};
  for (const StubLibrary &library : stubLibraries()) {
    std::string path = scratch.path(library.soname);
    if (Error error = makeStub(scratch, library, arch, path))
      return error;
    arguments.push_back(path);
  }
  if (Error error = runLld(arguments))
    return error;
  return readFile(output);
}
