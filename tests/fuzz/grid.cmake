# The parsers of what users write. Findings go to the build folder; what is worth keeping is copied into corpus/ by hand.
if(PEFTGRID_FUZZ)
  include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")
  foreach(library peftgrid_bookkeeping peftgrid_catalogue)
    target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link)
  endforeach()
  foreach(name grid config table)
    add_executable(${name}_fuzz "${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp")
    target_link_libraries(${name}_fuzz PRIVATE peftgrid_warnings peftgrid_catalogue)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/found_${name}")
    add_test(NAME ${name}_fuzz COMMAND ${name}_fuzz -max_total_time=5 -max_len=4096 -timeout=10 -rss_limit_mb=2048
                                       "${CMAKE_CURRENT_BINARY_DIR}/found_${name}"
                                       "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    set_tests_properties(${name}_fuzz PROPERTIES TIMEOUT 120 LABELS fuzz)
  endforeach()
  target_link_libraries(grid_fuzz PRIVATE peftgrid_bookkeeping)
endif()
