/*===- Runner.h - Private declarations of the runner --------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The public interface of a library without its prefix, looked up by name, and
|* a pool of threads.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_EXECUTION_RUNNER_RUNNER_H
#define QC_LIB_EXECUTION_RUNNER_RUNNER_H

#include "qc/Runtime/Descriptor.h"

struct options {
  uint32_t size;
  int32_t threads, device;
  const char *weights_file;
  const void *weights;
  size_t weights_bytes;
  qc_rt_parallel_for parallel_for;
  void *pool;
};

/** The functions NAME_* of a library. */
struct library {
  int32_t (*open)(uint32_t abi, const struct options *options, void **model);
  void (*close)(void *model);
  const struct qc_rt_port *(*inputs)(int32_t *count);
  const struct qc_rt_port *(*outputs)(int32_t *count);
  size_t (*arena_bytes)(const void *model, const struct qc_rt_tensor *inputs);
  int32_t (*context_open)(void *model, void *arena, size_t bytes,
                          void **context);
  void (*context_close)(void *context);
  int32_t (*run)(void *context, const struct qc_rt_tensor *inputs,
                 struct qc_rt_tensor *outputs, void *stream);
  const char *(*manifest)(void);
};

/** One model with a pool and a context: what a stream of runs needs. */
struct stream {
  void *model, *context;
  struct pool *pool;
};

struct pool;

/** Sends a status of its own with a text, and ends the process. */
_Noreturn void refuse(const char *text);
/** The address of NAME_function. */
void *find_function(void *handle, const char *name, const char *function);
/** The options for `threads` threads, with a pool where they need one. */
struct options make_options(const char *weights, int32_t threads,
                            const char *manifest, struct pool **pool);

/** Language.c: the libraries of language models. */
int is_language_model(void *handle, const char *name);
int serve_language_model(void *handle, const char *name, const char *weights,
                         int32_t threads);

/** A pool of `threads` threads, the caller's included; NULL if none start. */
struct pool *pool_open(int32_t threads);
void pool_close(struct pool *pool);
/** A qc_rt_parallel_for. */
void pool_for(void *pool, int32_t n, void (*body)(void *arg, int32_t i),
              void *arg);

#endif
