# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# C code that runs on the targets, not in the compiler: built by clang once for
# each architecture and embedded as bytes.

# Flags of one architecture. AArch64 takes the headers of the cross compiler.
set(QC_EMBED_ARCHES x86_64 aarch64)
set(QC_EMBED_FLAGS_x86_64 --target=x86_64-linux-gnu)
set(QC_EMBED_FLAGS_aarch64 --target=aarch64-linux-gnu -mno-outline-atomics
    -idirafter /usr/aarch64-linux-gnu/include)

# Compiles a C file for one architecture; `out` gets the object's path.
function(qc_compile_for arch source out)
  get_filename_component(stem ${source} NAME_WE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${arch}/${stem}.o)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${arch})
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${QC_CLANG} ${QC_EMBED_FLAGS_${arch}} -std=gnu11 -O2 -fPIC
            -ffp-contract=off -Wall -Wextra -Werror -fno-ident
            -ffunction-sections -I${PROJECT_SOURCE_DIR}/include ${ARGN}
            -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source}
            -o ${object}
    DEPENDS ${source}
    DEPFILE ${object}.d
    COMMENT "Compiling ${source} for ${arch}")
  set(${out} ${object} PARENT_SCOPE)
endfunction()

# A library `name` that defines the table `qc_embedded_TABLE` (see
# qc/Runtime/Embedded.h) of the files given as pairs NAME PATH.
function(qc_embed name table)
  set(text "#include \"qc/Runtime/Embedded.h\"\n")
  set(rows "")
  set(files)
  list(LENGTH ARGN length)
  math(EXPR last "${length} - 1")
  foreach(i RANGE 0 ${last} 2)
    math(EXPR j "${i} + 1")
    list(GET ARGN ${i} key)
    list(GET ARGN ${j} path)
    list(APPEND files ${path})
    string(APPEND text "static const unsigned char file${i}[] = {\n"
                       "#embed \"${path}\"\n};\n")
    string(APPEND rows "  {\"${key}\", file${i}, sizeof file${i}},\n")
  endforeach()
  string(APPEND text "const struct qc_embedded_file qc_embedded_${table}[] = {\n"
                     "${rows}  {0, 0, 0}};\n")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${QC_CLANG} -std=c23 -O0 -fPIC -I${PROJECT_SOURCE_DIR}/include
            -c ${source} -o ${object}
    DEPENDS ${source} ${files}
    COMMENT "Embedding ${table}")
  add_library(${name} STATIC ${object})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
endfunction()
