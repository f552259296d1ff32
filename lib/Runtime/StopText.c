/*===- StopText.c - Text that ends before a stop string -------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The algorithm of Knuth, Morris and Pratt for each stop string: any text takes
|* a few steps per byte, however it repeats itself.
|*
\*===----------------------------------------------------------------------===*/

#include "qc/Runtime/StopText.h"

#include <string.h>

/* Bytes of a character that may still be missing some. */
#define INCOMPLETE_BYTES 3

struct sizes {
  size_t stops, bytes, longest;
};

static struct sizes measure(const char *const *stops) {
  struct sizes sizes = {0, 0, 0};
  for (; stops && stops[sizes.stops]; ++sizes.stops) {
    size_t size = strlen(stops[sizes.stops]);
    sizes.bytes += size;
    if (size > sizes.longest)
      sizes.longest = size;
  }
  return sizes;
}

size_t qc_rt_stop_text_bytes(const char *const *stops, size_t piece_bytes) {
  struct sizes sizes = measure(stops);
  return (2 * sizes.stops + sizes.bytes) * sizeof(uint32_t) + sizes.longest +
         INCOMPLETE_BYTES + (piece_bytes ? piece_bytes : 1);
}

/* How many bytes of `stop` end the text, of which `matched` did, after `byte`.
 */
static uint32_t advance(const char *stop, const uint32_t *fallback,
                        uint32_t matched, char byte) {
  while (matched && stop[matched] != byte)
    matched = fallback[matched - 1];
  return matched + (stop[matched] == byte);
}

void qc_rt_stop_text_open(struct qc_rt_stop_text *state,
                          const char *const *stops, qc_rt_text_function text,
                          void *user, void *memory, size_t bytes) {
  struct sizes sizes = measure(stops);
  size_t counts = 2 * sizes.stops + sizes.bytes;
  memset(state, 0, sizeof *state);
  state->stops = stops;
  state->text = text;
  state->user = user;
  state->count = sizes.stops;
  state->sizes = memory;
  state->matched = state->sizes + sizes.stops;
  state->fallback = state->matched + sizes.stops;
  state->held = (char *)(state->sizes + counts);
  state->capacity = bytes - counts * sizeof(uint32_t);
  uint32_t *fallback = state->fallback;
  for (size_t i = 0; i < sizes.stops; ++i) {
    size_t size = strlen(stops[i]);
    state->sizes[i] = (uint32_t)size;
    state->matched[i] = 0;
    for (size_t at = 0; at < size; ++at)
      fallback[at] =
          at ? advance(stops[i], fallback, fallback[at - 1], stops[i][at]) : 0;
    fallback += size;
  }
}

/* How many of the first `size` bytes are whole characters. */
static size_t whole(const char *text, size_t size) {
  for (size_t back = 1; back <= INCOMPLETE_BYTES && back <= size; ++back) {
    unsigned char byte = (unsigned char)text[size - back];
    if (byte < 0x80)
      break;
    if (byte < 0xc0)
      continue;
    size_t length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? size - back : size;
  }
  return size;
}

/* Hands on the first `size` bytes of what is held. */
static void hand_on(struct qc_rt_stop_text *state, size_t size) {
  if (size && state->text(state->user, state->held, size))
    state->ended = QC_RT_TEXT_REFUSED;
  state->size -= size;
  memmove(state->held, state->held + size, state->size);
}

/* Takes a byte. Returns the size of the longest stop string that it ends, 0 for
 * none; `kept` is what may become one. */
static size_t take(struct qc_rt_stop_text *state, char byte, size_t *kept) {
  const uint32_t *fallback = state->fallback;
  size_t ended = 0;
  *kept = 0;
  state->held[state->size++] = byte;
  for (size_t i = 0; i < state->count; ++i) {
    uint32_t size = state->sizes[i];
    if (size == 0)
      continue;
    uint32_t matched =
        advance(state->stops[i], fallback, state->matched[i], byte);
    state->matched[i] = matched;
    fallback += size;
    if (matched == size && size > ended)
      ended = size;
    if (matched > *kept)
      *kept = matched;
  }
  return ended;
}

int32_t qc_rt_stop_text_put(struct qc_rt_stop_text *state, const char *piece,
                            size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n && !state->ended; ++i) {
    size_t stop = take(state, piece[i], &kept);
    if (stop) {
      hand_on(state, whole(state->held, state->size - stop));
      if (!state->ended)
        state->ended = QC_RT_TEXT_STOPPED;
    } else if (state->size == state->capacity || i + 1 == n) {
      hand_on(state, whole(state->held, state->size - kept));
    }
  }
  return state->ended;
}

int32_t qc_rt_stop_text_finish(struct qc_rt_stop_text *state) {
  if (!state->ended)
    hand_on(state, state->size);
  return state->ended;
}
