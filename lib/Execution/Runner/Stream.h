/*===- Stream.h - Numbers and bytes between qc and the runner -----*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The runner's standard input and output. It ends when the other side is gone:
|* there is nobody to tell.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_EXECUTION_RUNNER_STREAM_H
#define QC_LIB_EXECUTION_RUNNER_STREAM_H

#include <stddef.h>
#include <stdint.h>

void receive(void *data, size_t bytes);
void send_bytes(const void *data, size_t bytes);
void send_number(int64_t value);
void send_double(double value);
/** A length and as many bytes. */
void send_text(const void *data, size_t bytes);
int64_t receive_number(void);
/** Zeros; without memory the process ends. */
void *allocate(size_t bytes);
double milliseconds(void);

#endif
