/*===- ThreadsOpenMP.c - Threads of the OpenMP runtime --------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* --threading openmp. Calls the C interface of libgomp, which GCC's programs
|* and oneDNN share, so that a process has one pool of threads; libomp has the
|* same entry points. Threads take parts off a counter; a part's result does
|* not depend on who computes it.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

extern void GOMP_parallel(void (*body)(void *), void *arg, unsigned threads,
                          unsigned flags);
extern int omp_get_max_threads(void);

struct team {
  qc_rt_kernel kernel;
  const int64_t *slots;
  int32_t parts;
  int32_t next;
};

static void work(void *arg) {
  struct team *team = arg;
  for (;;) {
    int32_t part = __atomic_fetch_add(&team->next, 1, __ATOMIC_RELAXED);
    if (part >= team->parts)
      return;
    team->kernel(team->slots, part);
  }
}

int32_t qc_rt_default_threads(void) { return omp_get_max_threads(); }

void qc_rt_own_threads(int32_t threads, qc_rt_kernel kernel,
                       const int64_t *slots, int32_t parts) {
  struct team team = {kernel, slots, parts, 0};
  if (threads > parts)
    threads = parts;
  if (threads <= 1)
    work(&team);
  else
    GOMP_parallel(work, &team, (unsigned)threads, 0);
}
