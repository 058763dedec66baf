# -DPEFTGRID_SANITIZE=address,undefined or thread; see the presets asan and tsan.
set(PEFTGRID_SANITIZE "" CACHE STRING "sanitizers for the whole build, as -fsanitize= takes them")
option(PEFTGRID_FUZZ "build the fuzz targets (clang, libFuzzer)" OFF)
if(PEFTGRID_SANITIZE)
  add_compile_options(-fsanitize=${PEFTGRID_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PEFTGRID_SANITIZE})
  # GCC's thread sanitizer does not follow the fences in LibTorch's headers; our own threads meet by none.
  if(PEFTGRID_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()
