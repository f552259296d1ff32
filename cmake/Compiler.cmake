# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Before project(): the compiler, where the user names none. Clang of the LLVM
# that is used: it precompiles headers, which makes the build several times as
# quick as GCC does. Any compiler of C++20 will do.
if(NOT CMAKE_CXX_COMPILER AND NOT CMAKE_C_COMPILER AND
   NOT DEFINED ENV{CXX} AND NOT DEFINED ENV{CC})
  find_program(QC_CLANGXX NAMES clang++-22 HINTS /usr/lib/llvm-22/bin)
  find_program(QC_CLANGC NAMES clang-22 HINTS /usr/lib/llvm-22/bin)
  if(QC_CLANGXX AND QC_CLANGC)
    set(CMAKE_CXX_COMPILER ${QC_CLANGXX})
    set(CMAKE_C_COMPILER ${QC_CLANGC})
  endif()
endif()
