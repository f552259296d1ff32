/*===- Protocol.h - What qc and the runner say to each other ------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A library is run in a process of its own, so that a foreign CPU (under qemu)
|* and this one are served alike and a crash is an error message. The runner's
|* standard input and output are one stream socket. Numbers are little-endian
|* 64-bit integers, doubles are their bits; a text is its length and its bytes.
|*
|* On start the runner sends:
|*   status; then, if it is 0: arena bytes, the manifest, and twice (inputs,
|*   outputs) a count and per port: name, dtype, rank, min[8], max[8], the bits
|*   of the scale as a double, zero point.
|* A status above 0 is NAME_status, one below 0 a runner's own, with a text.
|* Request RUN: per input dims[8] and a text of data. Answer: status; if 0, per
|*   output dims[8] and a text of data.
|* Request BENCH: milliseconds to spend, least and most runs, then as RUN.
|*   Answer: status; if 0: runs per second of all streams as a double, a count
|*   and as many doubles, the milliseconds of each run.
|*
|* The library of a language model has no ports and other requests, all about
|* one session; KEEP is how many of its tokens it keeps before anything is done,
|* -1 is all.
|* Request OPEN: room for tokens, the size of the vocabulary. Answer: status.
|* Request TOKENIZE: add special, a text. Answer: the count or minus a status,
|*   and a text of 32-bit tokens.
|* Request DETOKENIZE: a text of tokens. Answer: as above, with a text.
|* Request EVAL: keep, whether all logits are wanted, a text of tokens. Answer:
|*   status; if 0 a text of logits.
|* Request GENERATE: keep, a text of tokens, most new ones, a text of options
|*   (struct qc_rt_sampling), a count of stop strings and each as a text.
|*   Answer: 1 and a piece of text any number of times, each answered by 0 or,
|*   to stop, 1; then 0, status, tokens, finish, and the milliseconds of the
|*   prompt and of the others as doubles.
|* Request CHAT_TEMPLATE. Answer: a text, empty where the model has none.
|* Request STEPS: a text of tokens and how many of them are a prompt. An empty
|*   session gets the prompt at once, then the others one by one. Answer:
|*   status; if 0 the milliseconds of the prompt and of the others as doubles.
|* Request QUIT, or the end of the stream, ends the runner.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_EXECUTION_RUNNER_PROTOCOL_H
#define QC_LIB_EXECUTION_RUNNER_PROTOCOL_H

enum {
  QC_RUNNER_QUIT,
  QC_RUNNER_RUN,
  QC_RUNNER_BENCH,
  QC_RUNNER_OPEN,
  QC_RUNNER_TOKENIZE,
  QC_RUNNER_DETOKENIZE,
  QC_RUNNER_EVAL,
  QC_RUNNER_GENERATE,
  QC_RUNNER_CHAT_TEMPLATE,
  QC_RUNNER_STEPS
};

#endif
