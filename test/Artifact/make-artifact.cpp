//===- make-artifact.cpp - An artifact of hand-written code ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// make-artifact NAME TARGET THREADING WEIGHTS OBJECTS DIR [force]: writes the
// artifact of Inputs/graph.c, whose objects are OBJECTS/graph.o and
// OBJECTS/LEVEL.o, so that the runtime and the artifact are tested without the
// compiler. Prints errors as qc does.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Artifact/Artifact.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace qc;

static std::string read(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

static ArtifactSpec makeSpec(char **arguments, const Target &target) {
  ArtifactSpec spec;
  std::string threading = arguments[2], weights = arguments[3],
              objects = arguments[4];
  spec.target = target;
  spec.net.name = arguments[0];
  spec.net.threading = threading == "openmp" ? QC_RT_THREADING_OPENMP
                       : threading == "none" ? QC_RT_THREADING_NONE
                                             : QC_RT_THREADING_CALLBACK;
  spec.net.symbols = {{"batch", 1, 2, 8}};
  AxisSpec batch = AxisSpec::named(0), four = AxisSpec::fixed(4);
  spec.net.inputs = {{"x", QC_RT_F32, {batch, four}}};
  spec.net.outputs = {{"y", QC_RT_F32, {batch, four}},
                      {"sum", QC_RT_F32, {batch}}};
  spec.net.kernels = {"affine_rows", "sum_rows"};
  spec.net.arenaBytes = 8 * 4 * 4;
  const float values[8] = {1, 2, -1, 0.5f, 0, 1, 2, 3};
  spec.weights.assign(reinterpret_cast<const char *>(values), sizeof values);
  if (weights == "file")
    spec.weightsMode = ArtifactSpec::Weights::File;
  spec.graphObject = read(objects + "/graph.o");
  for (const CpuLevel &level : target.levels)
    spec.levels.push_back({level, {read(objects + "/" + level.name + ".o")}});
  spec.report["precision"] = "fp32";
  spec.report["layers"] = llvm::json::Array{
      llvm::json::Object{{"name", "affine"}, {"op", "<mul>"}, {"bytes", 32}}};
  spec.recipe["precision"] = "fp32";
  return spec;
}

int main(int argc, char **argv) {
  if (argc < 7)
    return 2;
  std::string problem;
  std::optional<Target> target = parseTarget(argv[2], problem);
  if (!target) {
    llvm::errs() << "error: " << problem << "\n";
    return 1;
  }
  char *arguments[] = {argv[1], argv[2], argv[3], argv[4], argv[5]};
  ArtifactSpec spec = makeSpec(arguments, *target);
  spec.force = argc > 7 && std::strcmp(argv[7], "force") == 0;
  auto sizes = writeArtifact(spec, argv[6]);
  if (!sizes) {
    llvm::errs() << "error: " << llvm::toString(sizes.takeError()) << "\n";
    return 1;
  }
  llvm::outs() << "weights " << sizes->weights << "\n";
  return 0;
}
