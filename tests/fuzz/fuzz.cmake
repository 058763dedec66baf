# The parsers of what users write and of files that are kept. Findings go to the build folder; what is worth keeping is
# copied into corpus/ by hand.
add_custom_target(all_fuzz)
if(NOT PEFTGRID_FUZZ)
  return()
endif()

include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")
foreach(library peftgrid_bookkeeping peftgrid_catalogue peftgrid_checkpoint)
  target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link)
endforeach()

# add_fuzz_target(NAME LIBRARY LENGTH [OPTION...]): inputs of up to LENGTH bytes for five seconds.
function(add_fuzz_target name library length)
  set(found "${CMAKE_CURRENT_BINARY_DIR}/found_${name}")
  file(MAKE_DIRECTORY "${found}")
  add_executable(${name}_fuzz "${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp")
  target_link_libraries(${name}_fuzz PRIVATE peftgrid_warnings ${library})
  target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  add_dependencies(all_fuzz ${name}_fuzz)
  add_test(NAME ${name}_fuzz COMMAND ${name}_fuzz -max_total_time=5 -max_len=${length} -timeout=10 -rss_limit_mb=2048 ${ARGN}
                                     "${found}" "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  set_tests_properties(${name}_fuzz PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()
add_fuzz_target(grid peftgrid_bookkeeping 4096)
add_fuzz_target(config peftgrid_catalogue 4096)
add_fuzz_target(table peftgrid_catalogue 4096)
add_fuzz_target(safetensors peftgrid_checkpoint 16384)
add_fuzz_target(state peftgrid_catalogue 16384)
add_fuzz_target(journal peftgrid_bookkeeping 16384)
add_fuzz_target(tokens peftgrid_catalogue 16384)
# HDF5 1.10 asks for as much memory as a file says, and is content with none; what is filled is still limited.
add_fuzz_target(trial_file peftgrid_checkpoint 16384 -malloc_limit_mb=1000000)
set_tests_properties(trial_file_fuzz PROPERTIES
                     ENVIRONMENT "ASAN_OPTIONS=allocator_may_return_null=1;LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/fuzz/hdf5.supp")
