/*===- StopText.h - Text that ends before a stop string -----------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Pieces of text come in; what can no longer be part of a stop string goes on,
|* in whole characters. The first stop string to end ends the text before it,
|* the longest of several.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_STOPTEXT_H
#define QC_RUNTIME_STOPTEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(hidden)

/** Takes text, as NAME_text_fn; nonzero ends it. */
typedef int32_t (*qc_rt_text_function)(void *user, const char *utf8, size_t n);

/** Why a text has ended. */
enum { QC_RT_TEXT_OPEN, QC_RT_TEXT_STOPPED, QC_RT_TEXT_REFUSED };

struct qc_rt_stop_text {
  /** The stop strings, up to a NULL; may be NULL itself. Empty ones match
   * nothing. */
  const char *const *stops;
  qc_rt_text_function text;
  void *user;
  /** In memory of the caller: for each stop string, its size and how many
   * bytes of it end the text so far; for each of their bytes, how many remain
   * where the next one is another; and the text that is held back. */
  uint32_t *sizes, *matched, *fallback;
  char *held;
  size_t size, capacity, count;
  int32_t ended, reserved;
};

/** Bytes of memory that stop strings need. A piece of at most `piece_bytes`
 * bytes is handed on in one call. */
size_t qc_rt_stop_text_bytes(const char *const *stops, size_t piece_bytes);
/** Begins a text, with at least as much memory, aligned to 4 bytes. */
void qc_rt_stop_text_open(struct qc_rt_stop_text *state,
                          const char *const *stops, qc_rt_text_function text,
                          void *user, void *memory, size_t bytes);
/** Takes a piece; returns why the text has ended, or QC_RT_TEXT_OPEN. After the
 * end it does nothing. */
int32_t qc_rt_stop_text_put(struct qc_rt_stop_text *state, const char *piece,
                            size_t n);
/** The end of the text: hands on what is held back. */
int32_t qc_rt_stop_text_finish(struct qc_rt_stop_text *state);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
