/*===- OneDNN.c - Convolutions and products computed by oneDNN ------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* oneDNN computes sums only: u8 * i8 into s32, or f32 with its bias; a kernel
|* of ours follows with the epilogue. Activations are read and written in place
|* (NHWC, padded already); weights are packed when the model is opened. What is
|* slow (a reference implementation) or might not be exact is refused.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

/* oneDNN and we share libgomp; its number of threads is one per thread. */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int threads);

struct provided_layer {
  dnnl_primitive_t primitive;
  dnnl_memory_t weights, bias;
};

struct qc_rt_provider {
  dnnl_engine_t engine;
  int32_t threads;
  int64_t count;
  struct provided_layer layers[];
};

/* The arguments of a layer that are one context's own. */
struct places {
  dnnl_memory_t source, target, scratch;
};

struct qc_rt_provider_state {
  const struct qc_rt_provider *provider;
  dnnl_stream_t stream;
  void *scratch;
  struct places places[];
};

static int32_t status_of(dnnl_status_t status) {
  if (status == dnnl_success)
    return QC_RT_OK;
  return status == dnnl_out_of_memory ? QC_RT_E_MEMORY : QC_RT_E_PROVIDER;
}

/* Sets the threads that oneDNN may use; returns how many there were. */
static int use_threads(int threads) {
  int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  return before;
}

/* True where the CPU adds four products of bytes at once. */
static int has_vnni(void) {
  int isa = (int)dnnl_get_effective_cpu_isa();
  return isa == dnnl_cpu_isa_avx2_vnni || isa == dnnl_cpu_isa_avx2_vnni_2 ||
         (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni;
}

/*===-- Descriptions of a layer ---------------------------------------------*/

static int is_product(const struct qc_rt_onednn_layer *l) {
  return l->batch == 1 && l->in_rows == 1 && l->kernel_h == 1 &&
         l->kernel_w == 1 && l->stride_w == 1 && l->groups == 1;
}

/* Memory descriptors of what a primitive reads and writes; NULL: none. */
struct descriptors {
  dnnl_memory_desc_t source, target, bias;
  /* As the weights file has them, and as the primitive likes them. */
  dnnl_memory_desc_t plain, packed;
};

static void free_descriptors(struct descriptors *d) {
  dnnl_memory_desc_destroy(d->source);
  dnnl_memory_desc_destroy(d->target);
  dnnl_memory_desc_destroy(d->bias);
  dnnl_memory_desc_destroy(d->plain);
  dnnl_memory_desc_destroy(d->packed);
}

static dnnl_status_t describe_product(const struct qc_rt_onednn_layer *l,
                                      struct descriptors *d) {
  dnnl_data_type_t x = l->integer ? dnnl_u8 : dnnl_f32;
  dnnl_data_type_t w = l->integer ? dnnl_s8 : dnnl_f32;
  dnnl_data_type_t y = l->integer ? dnnl_s32 : dnnl_f32;
  dnnl_dims_t source = {l->columns, l->channels};
  dnnl_dims_t weights = {l->channels, l->filters};
  dnnl_dims_t target = {l->columns, l->filters}, bias = {1, l->filters};
  dnnl_status_t s =
      dnnl_memory_desc_create_with_tag(&d->source, 2, source, x, dnnl_ab);
  if (!s)
    s = dnnl_memory_desc_create_with_tag(&d->target, 2, target, y, dnnl_ab);
  if (!s)
    s = dnnl_memory_desc_create_with_tag(&d->plain, 2, weights, w, dnnl_ab);
  if (!s)
    s = dnnl_memory_desc_create_with_tag(&d->packed, 2, weights, w,
                                         dnnl_format_tag_any);
  if (!s && l->bias >= 0)
    s = dnnl_memory_desc_create_with_tag(&d->bias, 2, bias, y, dnnl_ab);
  return s;
}

static dnnl_status_t describe_convolution(const struct qc_rt_onednn_layer *l,
                                          struct descriptors *d) {
  dnnl_data_type_t x = l->integer ? dnnl_u8 : dnnl_f32;
  dnnl_data_type_t w = l->integer ? dnnl_s8 : dnnl_f32;
  dnnl_data_type_t y = l->integer ? dnnl_s32 : dnnl_f32;
  int64_t filters = l->groups * l->filters;
  dnnl_dims_t source = {l->batch, l->groups * l->channels, l->in_rows,
                        l->in_columns};
  dnnl_dims_t target = {l->batch, filters, l->rows, l->columns};
  /* Plain weights are [kernel_h, kernel_w, channels, groups * filters]. */
  dnnl_dims_t weights = {l->groups, l->filters, l->channels, l->kernel_h,
                         l->kernel_w};
  dnnl_dims_t strides = {l->filters, 1, filters,
                         l->kernel_w * l->channels * filters,
                         l->channels * filters};
  int whole = l->groups == 1, rank = 5 - whole;
  dnnl_dims_t bias = {filters};
  dnnl_status_t s =
      dnnl_memory_desc_create_with_tag(&d->source, 4, source, x, dnnl_nhwc);
  if (!s)
    s = dnnl_memory_desc_create_with_tag(&d->target, 4, target, y, dnnl_nhwc);
  if (!s)
    s = dnnl_memory_desc_create_with_strides(&d->plain, rank, weights + whole,
                                             w, strides + whole);
  if (!s)
    s = dnnl_memory_desc_create_with_tag(&d->packed, rank, weights + whole, w,
                                         dnnl_format_tag_any);
  if (!s && l->bias >= 0)
    s = dnnl_memory_desc_create_with_tag(&d->bias, 1, bias, y, dnnl_a);
  return s;
}

/* The primitive of a layer, chosen by oneDNN for this CPU. */
static dnnl_status_t choose(dnnl_engine_t engine,
                            const struct qc_rt_onednn_layer *l,
                            struct descriptors *d,
                            dnnl_primitive_desc_t *primitive) {
  memset(d, 0, sizeof *d);
  dnnl_status_t s =
      is_product(l) ? describe_product(l, d) : describe_convolution(l, d);
  dnnl_primitive_attr_t attr = NULL;
  if (!s)
    s = dnnl_primitive_attr_create(&attr);
  if (!s)
    s = dnnl_primitive_attr_set_scratchpad_mode(attr,
                                                dnnl_scratchpad_mode_user);
  if (!s && is_product(l))
    s = dnnl_matmul_primitive_desc_create(primitive, engine, d->source,
                                          d->packed, d->bias, d->target, attr);
  else if (!s) {
    dnnl_dims_t strides = {l->stride_h, l->stride_w}, none = {0, 0};
    dnnl_dims_t dilates = {l->dilation_h - 1, l->dilation_w - 1};
    s = dnnl_convolution_forward_primitive_desc_create(
        primitive, engine, dnnl_forward_inference, dnnl_convolution_direct,
        d->source, d->packed, d->bias, d->target, strides, dilates, none, none,
        attr);
  }
  dnnl_primitive_attr_destroy(attr);
  return s;
}

/* Bounds of the sums of one output channel: at most 255 times these. */
struct bounds {
  int64_t above, below;
};

int qc_rt_provider_exact(const struct qc_rt_onednn_layer *layer,
                         const unsigned char *weights) {
  if (!layer->integer)
    return 1;
  int64_t rows = layer->kernel_h * layer->kernel_w * layer->channels;
  int64_t columns = layer->groups * layer->filters, most = 0, largest = 0;
  const signed char *w = (const signed char *)weights + layer->weights;
  struct bounds *bounds = calloc((size_t)columns, sizeof *bounds);
  if (!bounds)
    return 0;
  for (int64_t i = 0; i < rows * columns; ++i) {
    struct bounds *b = &bounds[i % columns];
    if (w[i] > 0)
      b->above += w[i];
    else
      b->below -= w[i];
    if (abs(w[i]) > largest)
      largest = abs(w[i]);
    if (b->above > most)
      most = b->above;
    if (b->below > most)
      most = b->below;
  }
  free(bounds);
  /* Without VNNI pairs of products are added in 16 bits. */
  if (!has_vnni() && 2 * 255 * largest > INT16_MAX)
    return 0;
  /* Most implementations store s32 by way of float32. */
  return 255 * most <= 1 << 24;
}

/* OK unless it is a reference implementation. */
static int32_t check_name(dnnl_primitive_desc_t primitive, const char **name) {
  if (dnnl_primitive_desc_query(primitive, dnnl_query_impl_info_str, 0,
                                (void *)name) != dnnl_success)
    return QC_RT_E_PROVIDER;
  return strstr(*name, "ref") ? QC_RT_E_PROVIDER : QC_RT_OK;
}

int32_t qc_rt_provider_probe(const struct qc_rt_onednn_layer *layer,
                             int32_t threads, char *name, size_t bytes) {
  struct descriptors descriptors;
  dnnl_engine_t engine = NULL;
  dnnl_primitive_desc_t primitive = NULL;
  const char *found = "";
  if (bytes)
    *name = 0;
  int before = use_threads(threads);
  memset(&descriptors, 0, sizeof descriptors);
  dnnl_status_t s = dnnl_engine_create(&engine, dnnl_cpu, 0);
  if (!s)
    s = choose(engine, layer, &descriptors, &primitive);
  int32_t status = s ? status_of(s) : check_name(primitive, &found);
  if (bytes) {
    strncpy(name, found, bytes - 1);
    name[bytes - 1] = 0;
  }
  dnnl_primitive_desc_destroy(primitive);
  free_descriptors(&descriptors);
  dnnl_engine_destroy(engine);
  use_threads(before);
  return status;
}

/*===-- A model: primitives and packed weights ------------------------------*/

static dnnl_status_t pack(dnnl_engine_t engine, dnnl_memory_desc_t plain,
                          const_dnnl_memory_desc_t packed,
                          const unsigned char *weights, dnnl_memory_t *out) {
  dnnl_memory_t from = NULL;
  dnnl_primitive_desc_t reorder = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_stream_t stream = NULL;
  dnnl_status_t s =
      dnnl_memory_create(&from, plain, engine, (void *)(uintptr_t)weights);
  if (!s)
    s = dnnl_memory_create(out, packed, engine, DNNL_MEMORY_ALLOCATE);
  if (!s)
    s = dnnl_reorder_primitive_desc_create(&reorder, plain, engine, packed,
                                           engine, NULL);
  if (!s)
    s = dnnl_primitive_create(&primitive, reorder);
  if (!s)
    s = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
  if (!s) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, *out}};
    s = dnnl_primitive_execute(primitive, stream, 2, arguments);
    if (!s)
      s = dnnl_stream_wait(stream);
  }
  dnnl_stream_destroy(stream);
  dnnl_primitive_destroy(primitive);
  dnnl_primitive_desc_destroy(reorder);
  dnnl_memory_destroy(from);
  return s;
}

static int32_t make_layer(dnnl_engine_t engine,
                          const struct qc_rt_onednn_layer *from,
                          const unsigned char *weights,
                          struct provided_layer *layer) {
  struct descriptors d;
  dnnl_primitive_desc_t primitive = NULL;
  const char *name;
  dnnl_status_t s = choose(engine, from, &d, &primitive);
  int32_t refused = s ? QC_RT_OK : check_name(primitive, &name);
  if (!s && !refused && !qc_rt_provider_exact(from, weights))
    refused = QC_RT_E_PROVIDER;
  if (!s && refused == QC_RT_OK) {
    s = dnnl_primitive_create(&layer->primitive, primitive);
    if (!s)
      s = pack(
          engine, d.plain,
          dnnl_primitive_desc_query_md(primitive, dnnl_query_weights_md, 0),
          weights + from->weights, &layer->weights);
    if (!s && from->bias >= 0)
      s = dnnl_memory_create(&layer->bias, d.bias, engine,
                             (void *)(uintptr_t)(weights + from->bias));
  }
  dnnl_primitive_desc_destroy(primitive);
  free_descriptors(&d);
  return refused ? refused : status_of(s);
}

int32_t qc_rt_provider_open(const struct qc_rt_net *net,
                            const unsigned char *weights, int32_t threads,
                            struct qc_rt_provider **out) {
  *out = NULL;
  size_t count = (size_t)net->n_onednn_layers;
  if (count == 0)
    return QC_RT_OK;
  struct qc_rt_provider *provider =
      calloc(1, sizeof *provider + count * sizeof(struct provided_layer));
  if (!provider)
    return QC_RT_E_MEMORY;
  provider->threads = threads;
  provider->count = (int64_t)count;
  int before = use_threads(threads);
  int32_t status =
      status_of(dnnl_engine_create(&provider->engine, dnnl_cpu, 0));
  for (size_t i = 0; i < count && status == QC_RT_OK; ++i)
    status = make_layer(provider->engine, &net->onednn_layers[i], weights,
                        &provider->layers[i]);
  use_threads(before);
  if (status != QC_RT_OK) {
    qc_rt_provider_close(provider);
    return status;
  }
  *out = provider;
  return QC_RT_OK;
}

void qc_rt_provider_close(struct qc_rt_provider *provider) {
  if (!provider)
    return;
  for (int64_t i = 0; i < provider->count; ++i) {
    dnnl_primitive_destroy(provider->layers[i].primitive);
    dnnl_memory_destroy(provider->layers[i].weights);
    dnnl_memory_destroy(provider->layers[i].bias);
  }
  dnnl_engine_destroy(provider->engine);
  free(provider);
}

/*===-- A context -----------------------------------------------------------*/

static const_dnnl_memory_desc_t query(const struct provided_layer *layer,
                                      dnnl_query_t what) {
  const_dnnl_primitive_desc_t primitive;
  if (dnnl_primitive_get_primitive_desc(layer->primitive, &primitive) !=
      dnnl_success)
    return NULL;
  return dnnl_primitive_desc_query_md(primitive, what, 0);
}

/* Bytes of scratch memory that the hungriest layer needs. */
static size_t scratch_bytes(const struct qc_rt_provider *provider) {
  size_t most = QC_RT_ALIGNMENT;
  for (int64_t i = 0; i < provider->count; ++i) {
    size_t bytes = dnnl_memory_desc_get_size(
        query(&provider->layers[i], dnnl_query_scratchpad_md));
    most = bytes > most ? bytes : most;
  }
  return (most + QC_RT_ALIGNMENT - 1) / QC_RT_ALIGNMENT * QC_RT_ALIGNMENT;
}

static dnnl_status_t make_places(dnnl_engine_t engine,
                                 const struct provided_layer *layer,
                                 void *scratch, struct places *places) {
  dnnl_status_t s =
      dnnl_memory_create(&places->source, query(layer, dnnl_query_src_md),
                         engine, DNNL_MEMORY_NONE);
  if (!s)
    s = dnnl_memory_create(&places->target, query(layer, dnnl_query_dst_md),
                           engine, DNNL_MEMORY_NONE);
  if (!s)
    s = dnnl_memory_create(&places->scratch,
                           query(layer, dnnl_query_scratchpad_md), engine,
                           scratch);
  return s;
}

int32_t qc_rt_provider_start(const struct qc_rt_provider *provider,
                             struct qc_rt_provider_state **out) {
  *out = NULL;
  if (!provider)
    return QC_RT_OK;
  struct qc_rt_provider_state *state = calloc(
      1, sizeof *state + (size_t)provider->count * sizeof(struct places));
  if (!state)
    return QC_RT_E_MEMORY;
  state->provider = provider;
  state->scratch = aligned_alloc(QC_RT_ALIGNMENT, scratch_bytes(provider));
  int32_t status = state->scratch ? QC_RT_OK : QC_RT_E_MEMORY;
  if (status == QC_RT_OK)
    status = status_of(dnnl_stream_create(&state->stream, provider->engine,
                                          dnnl_stream_default_flags));
  for (int64_t i = 0; i < provider->count && status == QC_RT_OK; ++i)
    status = status_of(make_places(provider->engine, &provider->layers[i],
                                   state->scratch, &state->places[i]));
  if (status != QC_RT_OK) {
    qc_rt_provider_stop(state);
    return status;
  }
  *out = state;
  return QC_RT_OK;
}

void qc_rt_provider_stop(struct qc_rt_provider_state *state) {
  if (!state)
    return;
  for (int64_t i = 0; i < state->provider->count; ++i) {
    dnnl_memory_destroy(state->places[i].source);
    dnnl_memory_destroy(state->places[i].target);
    dnnl_memory_destroy(state->places[i].scratch);
  }
  dnnl_stream_destroy(state->stream);
  free(state->scratch);
  free(state);
}

int32_t qc_rt_provider_run(struct qc_rt_provider_state *state,
                           const int64_t *slots) {
  if (!state)
    return QC_RT_E_PROVIDER;
  const struct qc_rt_provider *provider = state->provider;
  int64_t number = slots[QC_RT_ONEDNN_LAYER];
  const struct provided_layer *layer = &provider->layers[number];
  const struct places *places = &state->places[number];
  dnnl_status_t s = dnnl_memory_set_data_handle(
      places->source, (void *)(uintptr_t)slots[QC_RT_ONEDNN_X]);
  if (!s)
    s = dnnl_memory_set_data_handle(places->target,
                                    (void *)(uintptr_t)slots[QC_RT_ONEDNN_Y]);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, places->source},
                                 {DNNL_ARG_WEIGHTS, layer->weights},
                                 {DNNL_ARG_DST, places->target},
                                 {DNNL_ARG_SCRATCHPAD, places->scratch},
                                 {DNNL_ARG_BIAS, layer->bias}};
  if (s == dnnl_success) {
    int before = use_threads(provider->threads);
    s = dnnl_primitive_execute(layer->primitive, state->stream,
                               layer->bias ? 5 : 4, arguments);
    if (!s)
      s = dnnl_stream_wait(state->stream);
    use_threads(before);
  }
  return status_of(s);
}
