# add_rank_test(NAME RANKS 1 2 3 4 TIMEOUT 30): one ctest entry for each number of real MPI ranks.
function(add_rank_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "RANKS" ${ARGN})
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.${ranks}_ranks
             COMMAND "${PROJECT_SOURCE_DIR}/tests/support/mpirun.sh" -n ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.${ranks}_ranks PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS 2)
  endforeach()
endfunction()
