/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Linked into what AddressSanitizer watches. LLVM's allocators poison memory in
   code inlined from its headers, and expect that the library, which packages
   build without the sanitizer, takes that back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allow_user_poisoning=0"; }
