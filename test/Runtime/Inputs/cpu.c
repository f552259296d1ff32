/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening gives E_CPU, or OK on a machine that has it all. */
#include "cpu.h"

int main(void) {
  cpu_model *model;
  cpu_status status = cpu_open(CPU_ABI, 0, &model);
  return status != CPU_E_CPU && status != CPU_OK;
}
