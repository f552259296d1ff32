/*===- without_amx.c - Programs on a processor without AMX ----------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The system's answer to a request for the registers of AMX, as it is where
|* there are none, so that what programs do with AVX-512 VNNI can be measured on
|* a processor that has both:
|*
|*   cc -O2 -shared -fPIC test/Benchmark/without_amx.c -o without_amx.so
|*   LD_PRELOAD=./without_amx.so python test/Benchmark/peers.py ...
|*
|* It stands before the C library's syscall(), by which OpenVINO, oneDNN,
|* llama.cpp and qc ask. A library that qc compiled with the level asks
|* on its own: compile it for the host in the same way.
|*
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

enum { get_supported = 0x1021, get_permitted = 0x1022, request = 0x1023 };
/* All states up to AVX-512. */
static const unsigned long states = 0xe7;

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i)
    a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && a[0] == request) {
    errno = EPERM;
    return -1;
  }
  if (number == SYS_arch_prctl &&
      (a[0] == get_supported || a[0] == get_permitted)) {
    *(unsigned long *)a[1] = states;
    return 0;
  }
  long result = number;
  register long fourth __asm__("r10") = a[3], fifth __asm__("r8") = a[4],
                       sixth __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth),
                     "r"(sixth)
                   : "rcx", "r11", "memory");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}
