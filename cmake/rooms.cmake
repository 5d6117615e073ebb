# One target per room of src/ (docs/architecture.md lists who may include whom; tests/architecture enforces it).
#
#   amanuensis_room(audio ROOMS base kernels LIBRARIES PkgConfig::FFMPEG)
#
# makes the static library amanuensis_audio from every .cc below the current folder. Files named *_<instruction set>.cc are
# compiled with that set's flags, and only for the processor family that has it.
add_library(amanuensis_flags INTERFACE)
target_include_directories(amanuensis_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(amanuensis_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports uninitialised vectors inside its own AVX-512 headers.
  target_compile_options(amanuensis_flags INTERFACE -Wno-maybe-uninitialized -Wno-uninitialized)
endif()
if(AMANUENSIS_SANITIZE)
  target_compile_options(amanuensis_flags INTERFACE -fsanitize=${AMANUENSIS_SANITIZE} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(amanuensis_flags INTERFACE -fsanitize=${AMANUENSIS_SANITIZE})
endif()
if(AMANUENSIS_FUZZ)
  target_compile_options(amanuensis_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The instruction sets of kernels/isa.h, by the family that has them, and their flags. Every 64-bit Arm processor has
# NEON; it needs none.
set(AMANUENSIS_ISAS_x86_64 avx2 avx512f avx512_vnni avx512)
set(AMANUENSIS_ISAS_aarch64 neon neon_dotprod neon_bf16)
set(AMANUENSIS_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(AMANUENSIS_FLAGS_avx512f -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c)
set(AMANUENSIS_FLAGS_avx512_vnni ${AMANUENSIS_FLAGS_avx512f} -mavx512vnni)
set(AMANUENSIS_FLAGS_avx512 ${AMANUENSIS_FLAGS_avx512_vnni} -mavx512bf16)
set(AMANUENSIS_FLAGS_neon "")
set(AMANUENSIS_FLAGS_neon_dotprod -march=armv8.2-a+dotprod)
set(AMANUENSIS_FLAGS_neon_bf16 -march=armv8.2-a+dotprod+bf16+i8mm)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(AMANUENSIS_FAMILY x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(AMANUENSIS_FAMILY aarch64)
endif()

if(AMANUENSIS_FUZZ)
  # The harnesses read foreign bytes and compute nothing; clang needs minutes to instrument one kernel's unrolled tiles. The
  # kernels themselves are tested under the asan preset.
  foreach(isa ${AMANUENSIS_ISAS_${AMANUENSIS_FAMILY}})
    list(APPEND AMANUENSIS_FLAGS_${isa} -fno-sanitize=all)
  endforeach()
endif()

# Takes files for other families out of the list named `variable`, and gives the others their flags.
function(amanuensis_isa_sources variable)
  set(found ${${variable}})
  foreach(family x86_64 aarch64)
    foreach(isa ${AMANUENSIS_ISAS_${family}})
      set(files ${found})
      list(FILTER files INCLUDE REGEX "_${isa}\\.cc$")
      if(NOT family STREQUAL "${AMANUENSIS_FAMILY}")
        list(FILTER found EXCLUDE REGEX "_${isa}\\.cc$")
      elseif(files)
        set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS "${AMANUENSIS_FLAGS_${isa}}")
      endif()
    endforeach()
  endforeach()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

function(amanuensis_room name)
  cmake_parse_arguments(ARG "" "" "ROOMS;LIBRARIES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  amanuensis_isa_sources(sources)
  if(sources)
    add_library(amanuensis_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(amanuensis_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(amanuensis_${name} ${scope} amanuensis_flags fmt::fmt)
  foreach(room ${ARG_ROOMS})
    target_link_libraries(amanuensis_${name} ${scope} amanuensis_${room})
  endforeach()
  target_link_libraries(amanuensis_${name} ${scope} ${ARG_LIBRARIES})
endfunction()
