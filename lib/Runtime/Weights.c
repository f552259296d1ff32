/*===- Weights.c - Where the weights come from ----------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Weights are in the library, in a file that is mapped, or in memory that the
|* application gives. A file's header says whose weights they are.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Takes `bytes` at `data`, laid out as a weights file. */
static int32_t take(struct qc_rt_model *model, const void *data, size_t bytes) {
  const struct qc_rt_net *net = model->net;
  struct qc_rt_weights_header header;
  if ((uintptr_t)data % QC_RT_ALIGNMENT != 0)
    return QC_RT_E_ARGUMENT;
  if (bytes < QC_RT_WEIGHTS_OFFSET ||
      bytes - QC_RT_WEIGHTS_OFFSET < net->weights_bytes)
    return QC_RT_E_WEIGHTS;
  memcpy(&header, data, sizeof header);
  if (memcmp(header.magic, "QCWEIGHT", 8) != 0 || header.version != 1 ||
      header.bytes != net->weights_bytes ||
      memcmp(header.hash, net->weights_hash, sizeof header.hash) != 0)
    return QC_RT_E_WEIGHTS;
  model->weights = (const unsigned char *)data + QC_RT_WEIGHTS_OFFSET;
  return QC_RT_OK;
}

static int32_t map_file(struct qc_rt_model *model, const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return QC_RT_E_WEIGHTS;
  off_t end = lseek(file, 0, SEEK_END);
  if (end < QC_RT_WEIGHTS_OFFSET) {
    close(file);
    return QC_RT_E_WEIGHTS;
  }
  size_t bytes = (size_t)end;
  void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (data == MAP_FAILED)
    return QC_RT_E_WEIGHTS;
  int32_t status = take(model, data, bytes);
  if (status != QC_RT_OK) {
    munmap(data, bytes);
    return status;
  }
  model->mapping = data;
  model->mapping_bytes = bytes;
  return QC_RT_OK;
}

int32_t qc_rt_find_weights(struct qc_rt_model *model,
                           const struct qc_rt_options *options) {
  const struct qc_rt_net *net = model->net;
  model->weights = net->weights;
  if (net->weights || net->weights_bytes == 0)
    return QC_RT_OK;
  if (options->weights)
    return take(model, options->weights, options->weights_bytes);
  return map_file(model, options->weights_file ? options->weights_file
                                               : net->weights_file);
}

void qc_rt_unmap_weights(struct qc_rt_model *model) {
  if (model->mapping)
    munmap(model->mapping, model->mapping_bytes);
}
