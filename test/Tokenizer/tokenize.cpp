//===- tokenize.cpp - Tokens of texts, for comparisons --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-tokenize FILE [--plain | --tables OUT]: FILE is a tokenizer.json or a
// .gguf. Each line of the standard input is JSON: a text gives its tokens; a
// list of tokens gives [decoded, decoded with special tokens, decoded as a
// stream]. --plain takes special tokens in texts for text and adds none.
// --tables writes the compiled tokenizer and reads nothing.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/Reader.h"
#include "qc/Support/Json.h"
#include "qc/Tokenizer/Compile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
namespace json = llvm::json;

static llvm::Expected<Tokenizer> read(llvm::StringRef path) {
  if (!path.ends_with(".gguf"))
    return Tokenizer::readFile(path);
  auto file = gguf::readFile(path);
  if (!file)
    return file.takeError();
  return Tokenizer::fromGGUF(*file);
}

static json::Value decode(const Tokenizer &tokenizer,
                          const json::Array &tokens) {
  std::vector<int32_t> ids;
  for (const json::Value &token : tokens)
    ids.push_back(static_cast<int32_t>(token.getAsInteger().value_or(-1)));
  StreamDecoder decoder(tokenizer);
  std::string stream;
  for (int32_t id : ids)
    stream += decoder.next(id);
  stream += decoder.finish();
  return json::Array{tokenizer.decode(ids), tokenizer.decode(ids, false),
                     stream};
}

static int writeTables(const Tokenizer &tokenizer, llvm::StringRef path) {
  std::string tables = llvm::cantFail(compileTokenizer(tokenizer));
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  os << tables;
  return error ? 1 : 0;
}

int main(int argc, char **argv) {
  EncodeOptions options;
  if (argc > 2 && llvm::StringRef(argv[2]) == "--plain")
    options.addSpecial = options.parseSpecial = false;
  auto tokenizer = read(argc > 1 ? argv[1] : "");
  if (!tokenizer) {
    llvm::errs() << llvm::toString(tokenizer.takeError()) << "\n";
    return 1;
  }
  if (argc > 3 && llvm::StringRef(argv[2]) == "--tables")
    return writeTables(*tokenizer, argv[3]);
  auto input = llvm::MemoryBuffer::getSTDIN();
  if (!input)
    return 1;
  llvm::StringRef rest = (*input)->getBuffer();
  while (!rest.empty()) {
    auto [line, next] = rest.split('\n');
    rest = next;
    json::Value value = llvm::cantFail(parseJson(line, "bad-input", ""));
    if (const json::Array *tokens = value.getAsArray())
      llvm::outs() << decode(*tokenizer, *tokens) << "\n";
    else
      llvm::outs() << json::Value(json::Array(
                          tokenizer->encode(*value.getAsString(), options)))
                   << "\n";
  }
  return 0;
}
