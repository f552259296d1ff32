//===- Sha256.cpp - Hashes of files ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Sha256.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"

#include <openssl/evp.h>

using namespace qc;
using llvm::Expected;
using llvm::StringRef;

struct Sha256::Context {
  EVP_MD_CTX *state = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(state); }
};

/// libcrypto fails only without memory.
static void check(int status) {
  if (status != 1)
    llvm::report_bad_alloc_error("libcrypto");
}

Sha256::Sha256() : context(std::make_unique<Context>()) {
  check(context->state != nullptr);
  check(EVP_DigestInit_ex(context->state, EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;

void Sha256::update(StringRef bytes) {
  check(EVP_DigestUpdate(context->state, bytes.data(), bytes.size()));
}

Digest Sha256::digest() {
  Digest result;
  check(EVP_DigestFinal_ex(context->state, result.data(), nullptr));
  return result;
}

std::string Sha256::hex() { return llvm::toHex(digest(), /*LowerCase=*/true); }

Digest Sha256::of(StringRef bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

Expected<std::string>
qc::hashOfFile(StringRef path,
               llvm::function_ref<bool(uint64_t bytes)> progress) {
  Sha256 hash;
  uint64_t bytes = 0;
  bool goesOn = true;
  std::error_code code = readPieces(path, [&](StringRef piece) {
    hash.update(piece);
    bytes += piece.size();
    return goesOn = !progress || progress(bytes);
  });
  if (code)
    return inputError("read", path, "", code.message(), "a file to be hashed");
  if (!goesOn)
    return inputError("interrupted", "", "", "an interrupt", "");
  return hash.hex();
}
