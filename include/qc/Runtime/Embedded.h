/*===- Embedded.h - Files that the compiler carries ---------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Tables of files, each ending in a row of nulls. Code for targets is named
|* ARCH/FILE with ARCH x86_64 or aarch64.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_EMBEDDED_H
#define QC_RUNTIME_EMBEDDED_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qc_embedded_file {
  const char *name;
  const unsigned char *data;
  size_t size;
};

/** The objects of the runtime: ARCH/Open.o, ARCH/ThreadsOpenMP.o ... */
extern const struct qc_embedded_file qc_embedded_runtime[];
/** Those that only a language model needs. */
extern const struct qc_embedded_file qc_embedded_language_runtime[];
/** The programs that load a library and serve requests: ARCH/runner. */
extern const struct qc_embedded_file qc_embedded_runners[];
/** Programs in Python, by their names alone: render_chat.py. */
extern const struct qc_embedded_file qc_embedded_scripts[];
/** What report.html has beside its numbers: style.css, page.js. */
extern const struct qc_embedded_file qc_embedded_report[];

#ifdef __cplusplus
}
#endif

#endif
