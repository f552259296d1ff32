/*===- Runner.c - Runs a library for qc in a process of its own -----------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* runner LIBRARY NAME WEIGHTS-FILE THREADS STREAMS; see Protocol.h. qc trusts
|* the answers no more than a file; the runner trusts qc.
|*
\*===----------------------------------------------------------------------===*/

#include "Runner.h"
#include "Protocol.h"
#include "Stream.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Noreturn void refuse(const char *text) {
  send_number(-1);
  send_text(text, strlen(text));
  _exit(0);
}

void *find_function(void *handle, const char *name, const char *function) {
  char symbol[512];
  snprintf(symbol, sizeof symbol, "%s_%s", name, function);
  void *address = dlsym(handle, symbol);
  if (!address)
    refuse(dlerror());
  return address;
}

static struct library load(void *handle, const char *name) {
  struct library library;
  *(void **)&library.open = find_function(handle, name, "open");
  *(void **)&library.close = find_function(handle, name, "close");
  *(void **)&library.inputs = find_function(handle, name, "inputs");
  *(void **)&library.outputs = find_function(handle, name, "outputs");
  *(void **)&library.arena_bytes = find_function(handle, name, "arena_bytes");
  *(void **)&library.context_open = find_function(handle, name, "context_open");
  *(void **)&library.context_close =
      find_function(handle, name, "context_close");
  *(void **)&library.run = find_function(handle, name, "run");
  *(void **)&library.manifest = find_function(handle, name, "manifest");
  return library;
}

struct options make_options(const char *weights, int32_t threads,
                            const char *manifest, struct pool **pool) {
  struct options options = {0};
  options.size = sizeof options;
  options.device = -1;
  options.threads = threads;
  options.weights_file = *weights ? weights : NULL;
  if (threads > 1) {
    *pool = pool_open(threads);
    options.pool = *pool;
    options.parallel_for = pool_for;
    /* A library with threads of its own uses those. */
    if (strstr(manifest, "\"threading\":\"openmp\""))
      options.parallel_for = NULL;
  }
  return options;
}

static int32_t open_stream(const struct library *library, const char *weights,
                           int32_t threads, struct stream *stream) {
  struct options options =
      make_options(weights, threads, library->manifest(), &stream->pool);
  int32_t status = library->open(QC_RT_ABI, &options, &stream->model);
  return status
             ? status
             : library->context_open(stream->model, NULL, 0, &stream->context);
}

static size_t dtype_bytes(int32_t dtype) {
  static const unsigned char bytes[] = {1, 4, 8, 2, 2, 1, 1,
                                        2, 2, 4, 4, 8, 8, 1};
  return bytes[dtype];
}

static size_t tensor_bytes(const struct qc_rt_port *port, const int64_t *dims) {
  size_t bytes = dtype_bytes(port->dtype);
  for (int32_t axis = 0; axis < port->rank; ++axis)
    bytes *= (size_t)dims[axis];
  return bytes;
}

static void send_ports(const struct qc_rt_port *ports, int32_t count) {
  send_number(count);
  for (int32_t i = 0; i < count; ++i) {
    send_text(ports[i].name, strlen(ports[i].name));
    send_number(ports[i].dtype);
    send_number(ports[i].rank);
    send_bytes(ports[i].min, sizeof ports[i].min);
    send_bytes(ports[i].max, sizeof ports[i].max);
    send_double(ports[i].scale);
    send_number(ports[i].zero_point);
  }
}

/* The tensors of one request, kept from one to the next. */
struct tensors {
  struct qc_rt_tensor *inputs, *outputs;
  size_t *input_room;
  const struct qc_rt_port *output_ports;
  int32_t n_inputs, n_outputs;
};

static void receive_inputs(struct tensors *tensors) {
  for (int32_t i = 0; i < tensors->n_inputs; ++i) {
    struct qc_rt_tensor *tensor = &tensors->inputs[i];
    receive(tensor->dims, sizeof tensor->dims);
    tensor->bytes = (size_t)receive_number();
    tensor->device = -1;
    if (tensor->bytes > tensors->input_room[i]) {
      free(tensor->data);
      tensor->data = allocate(tensor->bytes);
      tensors->input_room[i] = tensor->bytes;
    }
    receive(tensor->data, tensor->bytes);
  }
}

/* Runs once; makes room where an output says that it has too little. */
static int32_t run_once(const struct library *library, void *context,
                        const struct tensors *tensors,
                        struct qc_rt_tensor *outputs) {
  int32_t status = library->run(context, tensors->inputs, outputs, NULL);
  if (status == 0)
    return 0;
  int grown = 0;
  for (int32_t i = 0; i < tensors->n_outputs; ++i) {
    size_t bytes = tensor_bytes(&tensors->output_ports[i], outputs[i].dims);
    if (bytes <= outputs[i].bytes)
      continue;
    free(outputs[i].data);
    outputs[i].data = allocate(bytes);
    outputs[i].bytes = bytes;
    grown = 1;
  }
  return grown ? library->run(context, tensors->inputs, outputs, NULL) : status;
}

static struct qc_rt_tensor *make_outputs(int32_t count) {
  struct qc_rt_tensor *outputs = allocate((size_t)count * sizeof *outputs);
  for (int32_t i = 0; i < count; ++i) {
    outputs[i].data = allocate(1);
    outputs[i].device = -1;
  }
  return outputs;
}

static void answer_run(const struct library *library, struct stream *stream,
                       struct tensors *tensors) {
  receive_inputs(tensors);
  int32_t status =
      run_once(library, stream->context, tensors, tensors->outputs);
  send_number(status);
  if (status)
    return;
  for (int32_t i = 0; i < tensors->n_outputs; ++i) {
    struct qc_rt_tensor *tensor = &tensors->outputs[i];
    send_bytes(tensor->dims, sizeof tensor->dims);
    send_text(tensor->data,
              tensor_bytes(&tensors->output_ports[i], tensor->dims));
  }
}

/* One stream of a measurement. */
struct measurement {
  const struct library *library;
  struct stream *stream;
  const struct tensors *tensors;
  double budget;
  int64_t least, most, count;
  double *times;
  int32_t status;
};

static void *measure(void *arg) {
  struct measurement *m = arg;
  struct qc_rt_tensor *outputs = make_outputs(m->tensors->n_outputs);
  void *context = m->stream->context;
  m->status = run_once(m->library, context, m->tensors, outputs);
  double start = milliseconds();
  /* Warming up: a tenth of the time, at least one run. */
  while (!m->status && milliseconds() - start < m->budget / 10)
    m->status = m->library->run(context, m->tensors->inputs, outputs, NULL);
  start = milliseconds();
  double last = start;
  while (!m->status && m->count < m->most &&
         (m->count < m->least || last - start < m->budget)) {
    m->status = m->library->run(context, m->tensors->inputs, outputs, NULL);
    double now = milliseconds();
    m->times[m->count++] = now - last;
    last = now;
  }
  for (int32_t i = 0; i < m->tensors->n_outputs; ++i)
    free(outputs[i].data);
  free(outputs);
  return NULL;
}

static double runs_per_second(const struct measurement *m) {
  double sum = 0;
  for (int64_t i = 0; i < m->count; ++i)
    sum += m->times[i];
  return sum > 0 ? (double)m->count * 1e3 / sum : 0;
}

static void answer_bench(const struct library *library, struct stream *streams,
                         int32_t n_streams, struct tensors *tensors) {
  int64_t budget = receive_number();
  int64_t least = receive_number(), most = receive_number();
  receive_inputs(tensors);
  struct measurement *all = allocate((size_t)n_streams * sizeof *all);
  pthread_t *threads = allocate((size_t)n_streams * sizeof *threads);
  for (int32_t i = 0; i < n_streams; ++i) {
    all[i] = (struct measurement){
        library, &streams[i], tensors, (double)budget, least, most, 0, NULL, 0};
    all[i].times = allocate((size_t)most * sizeof(double));
    if (i > 0 && pthread_create(&threads[i], NULL, measure, &all[i]) != 0)
      _exit(3);
  }
  measure(&all[0]);
  int64_t count = 0;
  int32_t status = 0;
  double rate = 0;
  for (int32_t i = 0; i < n_streams; ++i) {
    if (i > 0)
      pthread_join(threads[i], NULL);
    count += all[i].count;
    rate += runs_per_second(&all[i]);
    status = status ? status : all[i].status;
  }
  send_number(status);
  if (!status) {
    send_double(rate);
    send_number(count);
    for (int32_t i = 0; i < n_streams; ++i)
      send_bytes(all[i].times, (size_t)all[i].count * sizeof(double));
  }
  for (int32_t i = 0; i < n_streams; ++i)
    free(all[i].times);
  free(all);
  free(threads);
}

int main(int argc, char **argv) {
  if (argc != 6)
    return 2;
  void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    refuse(dlerror());
  if (is_language_model(handle, argv[2]))
    return serve_language_model(handle, argv[2], argv[3], atoi(argv[4]));
  struct library library = load(handle, argv[2]);
  int32_t threads = atoi(argv[4]), n_streams = atoi(argv[5]);
  struct stream *streams = allocate((size_t)n_streams * sizeof *streams);
  for (int32_t i = 0; i < n_streams; ++i) {
    int32_t status = open_stream(&library, argv[3], threads, &streams[i]);
    if (status) {
      send_number(status);
      return 0;
    }
  }
  struct tensors tensors = {0};
  const struct qc_rt_port *inputs = library.inputs(&tensors.n_inputs);
  tensors.output_ports = library.outputs(&tensors.n_outputs);
  tensors.inputs = allocate((size_t)tensors.n_inputs * sizeof *tensors.inputs);
  tensors.input_room = allocate((size_t)tensors.n_inputs * sizeof(size_t));
  for (int32_t i = 0; i < tensors.n_inputs; ++i)
    tensors.inputs[i].data = allocate(tensors.input_room[i] = 1);
  tensors.outputs = make_outputs(tensors.n_outputs);
  send_number(0);
  send_number((int64_t)library.arena_bytes(streams[0].model, NULL));
  const char *manifest = library.manifest();
  send_text(manifest, strlen(manifest));
  send_ports(inputs, tensors.n_inputs);
  send_ports(tensors.output_ports, tensors.n_outputs);
  for (;;) {
    int64_t request = receive_number();
    if (request == QC_RUNNER_RUN)
      answer_run(&library, &streams[0], &tensors);
    else if (request == QC_RUNNER_BENCH)
      answer_bench(&library, streams, n_streams, &tensors);
    else
      return 0;
  }
}
