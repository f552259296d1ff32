//===- NetworkSpeaker.cpp - A network that reads and writes ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NetworkSpeaker.h"

#include "LanguageData.h"

#include <numeric>

using llvm::Error;
using llvm::Expected;

namespace qc::search {

Expected<std::vector<int32_t>> NetworkSpeaker::tokenize(llvm::StringRef text,
                                                        bool addSpecial) {
  EncodeOptions options;
  options.addSpecial = addSpecial;
  return tokenizer.encode(text, options);
}

Error NetworkSpeaker::open(int64_t room) {
  const NetPort &port = net.inputs().back();
  llvm::SmallVector<int64_t> shape(port.max.begin(), port.max.end());
  shape[0] = 1;
  shape[4] = room;
  cache = HostTensor(port.type, shape);
  count = 0;
  return Error::success();
}

/// Numbers from `first` on.
static std::vector<int32_t> numbersFrom(int64_t first, size_t size) {
  std::vector<int32_t> numbers(size);
  std::iota(numbers.begin(), numbers.end(), static_cast<int32_t>(first));
  return numbers;
}

Expected<HostTensor> NetworkSpeaker::eval(llvm::ArrayRef<int32_t> read,
                                          bool all, int64_t keep) {
  if (keep >= 0)
    count = keep;
  auto most = static_cast<size_t>(net.inputs().front().max[0]);
  std::vector<HostTensor> parts;
  for (; !read.empty();) {
    llvm::ArrayRef<int32_t> part = read.take_front(most);
    read = read.drop_front(part.size());
    auto last = static_cast<int64_t>(part.size()) - 1;
    std::vector<HostTensor> inputs =
        stepOf(part, numbersFrom(count, part.size()),
               std::vector<int32_t>(part.size()),
               all ? numbersFrom(0, part.size()) : numbersFrom(last, 1));
    inputs.push_back(cache);
    auto outputs = net.run(inputs);
    if (!outputs)
      return outputs.takeError();
    count += last + 1;
    if (!all)
      parts.clear();
    parts.push_back(std::move(outputs->front()));
  }
  return joinRows(parts);
}

Expected<int32_t> NetworkSpeaker::next(llvm::ArrayRef<int32_t> read,
                                       int64_t keep) {
  auto logits = eval(read, /*all=*/false, keep);
  if (!logits)
    return logits.takeError();
  llvm::ArrayRef<float> row = logits->as<float>();
  auto token = static_cast<int32_t>(std::max_element(row.begin(), row.end()) -
                                    row.begin());
  tokens.push_back(token);
  return token;
}

/// Cuts off the first stop text and what comes after it.
static bool cutAtStop(std::string &text, llvm::ArrayRef<std::string> stops) {
  size_t end = std::string::npos, size = 0;
  for (const std::string &stop : stops) {
    size_t at = stop.empty() ? std::string::npos : text.find(stop);
    if (at == std::string::npos || at + stop.size() > end ||
        (at + stop.size() == end && stop.size() <= size))
      continue;
    end = at + stop.size();
    size = stop.size();
  }
  if (end == std::string::npos)
    return false;
  text.resize(end - size);
  return true;
}

Expected<std::string> NetworkSpeaker::write(llvm::ArrayRef<int32_t> prompt,
                                            int32_t most,
                                            llvm::ArrayRef<std::string> stops) {
  StreamDecoder decoder(tokenizer);
  for (int32_t token : prompt)
    decoder.next(token);
  std::string text;
  tokens.clear();
  auto token = next(prompt, 0);
  while (token && !llvm::is_contained(ends, *token)) {
    text += decoder.next(*token);
    if (cutAtStop(text, stops))
      return text;
    if (static_cast<int32_t>(tokens.size()) == most || count == cache.dim(4))
      break;
    token = next({*token}, -1);
  }
  if (!token)
    return token.takeError();
  text += decoder.finish();
  cutAtStop(text, stops);
  return text;
}

} // namespace qc::search
