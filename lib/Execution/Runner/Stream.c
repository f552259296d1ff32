/*===- Stream.c - Numbers and bytes between qc and the runner ------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#include "Stream.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Ends when the other side is gone: there is nobody to tell. */
void receive(void *data, size_t bytes) {
  char *at = data;
  while (bytes) {
    ssize_t got = read(0, at, bytes);
    if (got <= 0)
      _exit(0);
    at += got;
    bytes -= (size_t)got;
  }
}

void send_bytes(const void *data, size_t bytes) {
  const char *at = data;
  while (bytes) {
    ssize_t put = write(1, at, bytes);
    if (put <= 0)
      _exit(0);
    at += put;
    bytes -= (size_t)put;
  }
}

void send_number(int64_t value) { send_bytes(&value, sizeof value); }

void send_double(double value) { send_bytes(&value, sizeof value); }

void send_text(const void *data, size_t bytes) {
  send_number((int64_t)bytes);
  send_bytes(data, bytes);
}

int64_t receive_number(void) {
  int64_t value;
  receive(&value, sizeof value);
  return value;
}

void *allocate(size_t bytes) {
  void *data = calloc(1, bytes ? bytes : 1);
  if (!data)
    _exit(3);
  return data;
}

double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}
