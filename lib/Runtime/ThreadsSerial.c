/*===- ThreadsSerial.c - One thread ---------------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* --threading none, and callback where the application gives none.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

int32_t qc_rt_default_threads(void) { return 1; }

void qc_rt_own_threads(int32_t threads, qc_rt_kernel kernel,
                       const int64_t *slots, int32_t parts) {
  (void)threads;
  for (int32_t part = 0; part < parts; ++part)
    kernel(slots, part);
}
