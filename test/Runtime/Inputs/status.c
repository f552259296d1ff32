/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* status WEIGHTS: calls the library in every wrong way and in the right ones;
 * ends with 1 and the line of the first surprise. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("line %d: %s\n", __LINE__, #condition);                           \
      return 1;                                                                \
    }                                                                          \
  } while (0)

static int launches;

static void reversed(void *pool, int32_t n, void (*body)(void *, int32_t),
                     void *arg) {
  launches += *(int *)pool;
  for (int32_t i = n; i-- > 0;)
    body(arg, i);
}

static net_tensor tensor(void *data, size_t bytes, int64_t rows) {
  net_tensor t = {data, bytes, {rows, 4}, -1};
  return t;
}

static int test_open(const char *weights) {
  net_model *model = (net_model *)1;
  net_options options = {.size = sizeof options, .weights_file = weights};
  EXPECT(net_open(NET_ABI, &options, NULL) == NET_E_ARGUMENT);
  EXPECT(net_open(NET_ABI + 1, &options, &model) == NET_E_ABI && !model);
  EXPECT(net_open(NET_ABI, NULL, &model) == NET_E_WEIGHTS && !model);
  options.size = 1;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_ARGUMENT);
  options.size = sizeof options + 64;
  options.threads = -1;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_ARGUMENT);
  options.threads = 0;
  options.device = 1;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_DEVICE);
  options.device = -1;
  options.size = sizeof options;
  options.weights_file = "/";
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_WEIGHTS);
  options.weights_file = "/dev/null";
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_WEIGHTS);
  /* A header that is older knows fewer members. */
  options.weights_file = weights;
  options.size = 24;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_OK && model);
  net_close(model);
  net_close(NULL);
  return 0;
}

static int test_memory_weights(const char *path) {
  static _Alignas(64) unsigned char bytes[8192];
  net_model *model;
  FILE *file = fopen(path, "rb");
  EXPECT(file);
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  net_options options = {
      .size = sizeof options, .weights = bytes, .weights_bytes = size};
  EXPECT(net_open(NET_ABI, &options, &model) == NET_OK);
  net_close(model);
  options.weights_bytes = size - 1;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_WEIGHTS);
  options.weights_bytes = size;
  options.weights = bytes + 1;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_ARGUMENT);
  options.weights = bytes;
  bytes[24] ^= 1; /* the hash */
  EXPECT(net_open(NET_ABI, &options, &model) == NET_E_WEIGHTS);
  return 0;
}

static int test_context(net_model *model) {
  static _Alignas(64) unsigned char arena[NET_ARENA_BYTES + 64];
  net_context *context;
  EXPECT(net_arena_bytes(model, NULL) == NET_ARENA_BYTES);
  EXPECT(net_arena_bytes(NULL, NULL) == 0);
  EXPECT(net_context_open(NULL, NULL, 0, &context) == NET_E_ARGUMENT);
  EXPECT(net_context_open(model, NULL, 0, NULL) == NET_E_ARGUMENT);
  EXPECT(net_context_open(model, arena, NET_ARENA_BYTES - 1, &context) ==
         NET_E_MEMORY);
  EXPECT(net_context_open(model, arena + 8, NET_ARENA_BYTES, &context) ==
         NET_E_ARGUMENT);
  EXPECT(net_context_open(model, arena, NET_ARENA_BYTES, &context) == NET_OK);
  net_context_close(context);
  net_context_close(NULL);
  return 0;
}

static int test_run(net_model *model) {
  net_context *context;
  float x[12] = {1, 1.5f, 7, 2, 0, 0, 0, 0, -1, -1, -1, -1}, y[12], sum[3];
  EXPECT(net_context_open(model, NULL, 0, &context) == NET_OK);
  net_tensor in = tensor(x, sizeof x, 3);
  net_tensor out[2] = {tensor(y, sizeof y, 0), tensor(sum, sizeof sum, 0)};
  EXPECT(net_run(NULL, &in, out, NULL) == NET_E_ARGUMENT);
  EXPECT(net_run(context, NULL, out, NULL) == NET_E_ARGUMENT);
  EXPECT(net_run(context, &in, NULL, NULL) == NET_E_ARGUMENT);
  EXPECT(net_run(context, &in, out, &in) == NET_E_DEVICE);
  in.device = 0;
  EXPECT(net_run(context, &in, out, NULL) == NET_E_DEVICE);
  in.device = -1;
  in.data = NULL;
  EXPECT(net_run(context, &in, out, NULL) == NET_E_ARGUMENT);
  in.data = x;
  in.bytes -= 1;
  EXPECT(net_run(context, &in, out, NULL) == NET_E_SHAPE);
  in.bytes += 1;
  for (int64_t rows = -1; rows < 12; rows += rows == -1 ? 1 : 9) {
    in.dims[0] = rows; /* -1, 0, 9: none is in [1, 8] */
    EXPECT(net_run(context, &in, out, NULL) == NET_E_SHAPE);
  }
  in.dims[0] = 3;
  in.dims[2] = 2;
  EXPECT(net_run(context, &in, out, NULL) == NET_E_SHAPE);
  in.dims[2] = 0;
  out[1].bytes = 4;
  EXPECT(net_run(context, &in, out, NULL) == NET_E_SHAPE);
  EXPECT(out[0].dims[0] == 3 && out[0].dims[1] == 4 && out[1].dims[0] == 3);
  out[1].bytes = sizeof sum;
  EXPECT(net_run(context, &in, out, NULL) == NET_OK);
  EXPECT(y[0] == 1 && y[1] == 4 && y[2] == 0 && y[3] == 4 && sum[0] == 9);
  EXPECT(sum[1] == 6 && y[10] == 3 && sum[2] == 5.5f);
  EXPECT(net_run_f32(NULL, x, y, sum) == NET_E_ARGUMENT);
  EXPECT(net_run_f32(context, x, y, sum) == NET_OK && sum[0] == 9);
  net_context_close(context);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  int step = 1, failed = test_open(argv[1]) || test_memory_weights(argv[1]);
  net_model *model;
  net_options options = {
      .size = sizeof options, .device = -1, .weights_file = argv[1]};
  EXPECT(net_open(NET_ABI, &options, &model) == NET_OK);
  failed = failed || test_context(model) || test_run(model);
  net_close(model);
  /* The same with the application's threads. */
  options.parallel_for = reversed;
  options.pool = &step;
  EXPECT(net_open(NET_ABI, &options, &model) == NET_OK);
  failed = failed || test_run(model);
  EXPECT(failed || launches == 2);
  net_close(model);
  EXPECT(strstr(net_manifest(), "\"generator\":\"qc\""));
  EXPECT(strcmp(net_status_text(NET_OK), "ok") == 0);
  EXPECT(net_status_text((net_status)99));
  int32_t count;
  EXPECT(net_inputs(&count)->rank == 2 && count == 1);
  EXPECT(strcmp(net_outputs(&count)[1].name, "sum") == 0 && count == 2);
  return failed;
}
