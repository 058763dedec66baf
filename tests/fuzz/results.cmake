# The parsers of files that are kept. Findings go to the build folder; what is worth keeping is copied into corpus/ by hand.
if(PEFTGRID_FUZZ)
  target_compile_options(peftgrid_checkpoint PRIVATE -fsanitize=fuzzer-no-link)
  foreach(name safetensors trial_file)
    add_executable(${name}_fuzz "${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp")
    target_link_libraries(${name}_fuzz PRIVATE peftgrid_warnings peftgrid_checkpoint)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/found_${name}")
    # HDF5 1.10 keeps some of what it takes for a file that it then refuses: its leaks are not ours to mend.
    add_test(NAME ${name}_fuzz COMMAND ${name}_fuzz -max_total_time=10 -max_len=16384 -timeout=10 -rss_limit_mb=2048
                                       "${CMAKE_CURRENT_BINARY_DIR}/found_${name}"
                                       "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    set_tests_properties(${name}_fuzz PROPERTIES TIMEOUT 120 LABELS fuzz ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)
  endforeach()
endif()
