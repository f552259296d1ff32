//===- Internal.h - The steps of making an artifact -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Target/Artifact: what its files offer each other.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_ARTIFACT_INTERNAL_H
#define QC_LIB_TARGET_ARTIFACT_INTERNAL_H

#include "qc/Support/Sha256.h"
#include "qc/Target/Artifact/Artifact.h"

#include "llvm/IR/Module.h"

#include <optional>

namespace qc::artifact {

/// Where the weights end up.
struct WeightsPlacement {
  bool embedded = true;
  uint64_t bytes = 0;
  Digest hash = {};
};

/// Name of the element type in reports ("f32") and in headers ("float").
llvm::StringRef dtypeName(int32_t dtype);
llvm::StringRef dtypeInC(int32_t dtype);

/// True where NAME_run_f32 exists: ports in f32, static but for a first axis
/// that may be 1.
bool hasRunF32(const NetSpec &net);
/// Elements of a port when every symbol is 1 (`largest`: at its maximum).
int64_t elements(const NetSpec &net, const PortSpec &port, bool largest);
/// Size of one axis with the symbols at their minimum or maximum.
int64_t axisSize(const NetSpec &net, const AxisSpec &axis, bool largest);
/// Names of parameters, unique, made from the names of the ports.
std::vector<std::string> parameterNames(const NetSpec &net);

/// Emits the object of a module for `arch`.
llvm::Expected<std::string> emitObject(llvm::Module &module, Arch arch);

/// The object that defines the descriptor (and NAME_run_f32).
llvm::Expected<std::string> descriptorObject(const ArtifactSpec &spec,
                                             const WeightsPlacement &weights,
                                             llvm::StringRef manifest);

/// An object that defines the symbol of the embedded weights.
std::string weightsObject(Arch arch, llvm::StringRef bytes);

/// The symbol that weightsObject defines.
inline constexpr const char *weightsSymbol = "qc_weights";

/// One relocatable object of which only the public functions are visible.
llvm::Expected<std::string> linkRelocatable(const ArtifactSpec &spec,
                                            std::vector<std::string> objects);
/// A static library of that object, and a shared one.
llvm::Expected<std::string> makeArchive(const ArtifactSpec &spec,
                                        llvm::StringRef object);
llvm::Expected<std::string> linkShared(const ArtifactSpec &spec,
                                       llvm::StringRef object);

/// Texts of package files and of the example.
std::string cmakeText(const ArtifactSpec &spec);
std::string pkgConfigText(const ArtifactSpec &spec);
std::string exampleText(const NetSpec &net);
/// A whole header: a comment, what all of them begin with, the declarations of
/// this kind of network, and the end.
std::string frameHeader(const NetSpec &net, llvm::StringRef comment,
                        llvm::StringRef middle);
/// NAME.h and example.c of a language model.
std::string languageHeaderText(const NetSpec &net);
std::string languageExampleText(const NetSpec &net);
/// `text` with the net's name for each `@`, the name in capitals for each `$`
/// and the bytes of its arena for each `%`.
std::string substitute(llvm::StringRef text, const NetSpec &net);
/// report.html of a report.
std::string reportHtml(const llvm::json::Object &report, llvm::StringRef name);
/// What NAME_manifest() returns.
llvm::json::Object embeddedManifest(const ArtifactSpec &spec,
                                    const WeightsPlacement &weights);

std::string hex(llvm::ArrayRef<uint8_t> digest);
Digest sha256(llvm::StringRef bytes);
/// Of the bytes and then those of the file `rest`, read piece by piece.
llvm::Expected<Digest> sha256(llvm::StringRef bytes, llvm::StringRef rest);

/// The libraries beside libc and libm that the artifact needs: "dnnl", "gomp".
std::vector<std::string> extraLibraries(const NetSpec &net);

} // namespace qc::artifact

#endif // QC_LIB_TARGET_ARTIFACT_INTERNAL_H
