//===- Config.cpp - How a checkpoint was quantized ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/Config.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::checkpoints;
using llvm::StringRef;

static constexpr StringRef configCode = "bad-config";
/// Inputs of a layer.
static constexpr int64_t maxGroup = int64_t(1) << 24;

/// -1 is all inputs, kept as 0.
static int64_t readGroup(const JsonObject &json, StringRef key) {
  int64_t group = json.integer(key, -1, maxGroup);
  if (group == 0)
    json.fail(key, "the number 0", "a size, or -1 for all inputs");
  return group < 0 ? 0 : group;
}

/// Files of today have the second key too.
static std::string readFormat(const JsonObject &json, StringRef key,
                              StringRef usual) {
  return json.text(json.has(key) ? key : "format", usual).lower();
}

static void failFormat(const JsonObject &json, StringRef key, StringRef found,
                       StringRef expected) {
  json.fail(json.has(key) ? key : "format", "'" + printable(found) + "'",
            expected);
}

static void readGPTQ(const JsonObject &json, Config &config) {
  config.bits = static_cast<unsigned>(json.integer("bits", 1, 32));
  if (!llvm::is_contained({2u, 3u, 4u, 8u}, config.bits))
    json.fail("bits", "the number " + std::to_string(config.bits),
              "2, 3, 4 or 8");
  config.group = readGroup(json, "group_size");
  config.symmetric = json.boolean("sym", true);
  config.actOrder = json.boolean("desc_act", false);
  std::string format = readFormat(json, "checkpoint_format", "gptq");
  if (format != "gptq" && format != "gptq_v2")
    failFormat(json, "checkpoint_format", format, "gptq or gptq_v2");
  config.zerosLessOne = format == "gptq";
  if (json.text("pack_dtype", "int32") != "int32")
    json.fail("pack_dtype", "'" + printable(json.text("pack_dtype")) + "'",
              "int32");
  if (std::optional<JsonObject> own = json.child("dynamic"))
    if (!own->get().empty())
      json.fail("dynamic", "settings by layer", "the same for all layers");
}

static void readAWQ(const JsonObject &json, Config &config) {
  StringRef bits = json.has("bits") ? "bits" : "w_bit";
  config.bits = static_cast<unsigned>(json.integer(bits, 1, 32));
  if (config.bits != 4)
    json.fail(bits, "the number " + std::to_string(config.bits), "4");
  config.group =
      readGroup(json, json.has("group_size") ? "group_size" : "q_group_size");
  config.symmetric = !json.boolean("zero_point", true);
  std::string version = readFormat(json, "version", "gemm");
  if (version != "gemm")
    failFormat(json, "version", version, "gemm");
}

static void readBitsAndBytes(const JsonObject &json, Config &config) {
  bool four = json.boolean("load_in_4bit", false);
  bool eight = json.boolean("load_in_8bit", false);
  if (four == eight)
    json.fail("load_in_4bit", four ? "load_in_8bit beside it" : "no width",
              "load_in_4bit or load_in_8bit");
  config.method = four ? Method::BitsAndBytes4 : Method::BitsAndBytes8;
  config.bits = four ? 4 : 8;
}

static void readQuantization(const JsonObject &json, Config &config) {
  StringRef method = json.text("quant_method");
  if (method == "gptq") {
    readGPTQ(json, config);
  } else if (method == "awq") {
    config.method = Method::AWQ;
    readAWQ(json, config);
  } else if (method == "bitsandbytes") {
    readBitsAndBytes(json, config);
  } else {
    json.fail("quant_method", "the unknown '" + printable(method) + "'",
              "awq, bitsandbytes or gptq");
  }
}

llvm::Expected<Config> qc::checkpoints::parseConfig(StringRef text,
                                                    StringRef path) {
  llvm::Expected<llvm::json::Value> value = parseJson(text, configCode, path);
  if (!value)
    return value.takeError();
  Config config;
  FirstFault fault(configCode, path);
  if (std::optional<JsonObject> root = JsonObject::root(*value, fault)) {
    StringRef key = "quantization_config";
    if (std::optional<JsonObject> json = root->child(key))
      readQuantization(*json, config);
    else
      root->fail(key, "no such key", "how the weights were quantized");
  }
  if (llvm::Error error = fault.take())
    return error;
  return config;
}

llvm::Expected<Config> qc::checkpoints::readConfig(StringRef folder) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, "config.json");
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseConfig((*file)->contents(), path);
}
