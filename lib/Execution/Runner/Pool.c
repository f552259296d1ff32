/*===- Pool.c - Threads for libraries that take a callback ----------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Workers spin a little before they sleep, since a network launches kernels
|* back to back; parts are taken off a counter.
|*
\*===----------------------------------------------------------------------===*/

#include "Runner.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { SPINS = 4000 };

struct pool {
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int32_t workers;
  /* A launch has a number; workers run each number once. */
  uint32_t launch;
  int32_t busy, closing;
  void (*body)(void *arg, int32_t i);
  void *arg;
  int32_t parts, next;
  pthread_t threads[];
};

static void take_parts(struct pool *pool) {
  for (;;) {
    int32_t part = __atomic_fetch_add(&pool->next, 1, __ATOMIC_RELAXED);
    if (part >= pool->parts)
      return;
    pool->body(pool->arg, part);
  }
}

static uint32_t next_launch(struct pool *pool, uint32_t seen) {
  for (int i = 0; i < SPINS; ++i) {
    uint32_t launch = __atomic_load_n(&pool->launch, __ATOMIC_ACQUIRE);
    if (launch != seen)
      return launch;
  }
  pthread_mutex_lock(&pool->mutex);
  uint32_t launch;
  while ((launch = __atomic_load_n(&pool->launch, __ATOMIC_ACQUIRE)) == seen)
    pthread_cond_wait(&pool->wake, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
  return launch;
}

static void *worker(void *arg) {
  struct pool *pool = arg;
  uint32_t seen = 0;
  for (;;) {
    seen = next_launch(pool, seen);
    if (__atomic_load_n(&pool->closing, __ATOMIC_ACQUIRE))
      return NULL;
    take_parts(pool);
    __atomic_fetch_sub(&pool->busy, 1, __ATOMIC_RELEASE);
  }
}

static void announce(struct pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  __atomic_fetch_add(&pool->launch, 1, __ATOMIC_RELEASE);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

struct pool *pool_open(int32_t threads) {
  struct pool *pool =
      calloc(1, sizeof *pool + (size_t)threads * sizeof(pthread_t));
  if (!pool)
    return NULL;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  while (pool->workers < threads - 1 &&
         pthread_create(&pool->threads[pool->workers], NULL, worker, pool) == 0)
    ++pool->workers;
  return pool;
}

void pool_close(struct pool *pool) {
  if (!pool)
    return;
  __atomic_store_n(&pool->closing, 1, __ATOMIC_RELEASE);
  announce(pool);
  for (int32_t i = 0; i < pool->workers; ++i)
    pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

void pool_for(void *data, int32_t n, void (*body)(void *arg, int32_t i),
              void *arg) {
  struct pool *pool = data;
  pool->body = body;
  pool->arg = arg;
  pool->parts = n;
  pool->next = 0;
  __atomic_store_n(&pool->busy, pool->workers, __ATOMIC_RELAXED);
  announce(pool);
  take_parts(pool);
  while (__atomic_load_n(&pool->busy, __ATOMIC_ACQUIRE) != 0)
    sched_yield();
}
