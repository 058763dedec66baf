# Groups over NCCL: its stand-in between real ranks, faults included.
include("${PROJECT_SOURCE_DIR}/tests/support/group_promises.cmake")
include("${PROJECT_SOURCE_DIR}/tests/support/nccl_standin/nccl_standin.cmake")

foreach(name nccl_group_test nccl_faults_test)
  add_executable(${name} "${PROJECT_SOURCE_DIR}/tests/ranks/${name}.cpp"
                         "${PROJECT_SOURCE_DIR}/tests/support/nccl_ranks.cpp"
                         "${PROJECT_SOURCE_DIR}/tests/support/rank_main.cpp")
  target_link_libraries(${name} PRIVATE peftgrid_warnings group_promises peftgrid_nccl)
  add_dependencies(${name} nccl_standin)
  add_rank_test(${name} RANKS 1 2 3 4 8 TIMEOUT 90)
  foreach(ranks 1 2 3 4 8)
    over_nccl_standin(${name}.${ranks}_ranks)
  endforeach()
endforeach()

# Death, of the rank through which the stand-in's sums go and of others.
add_executable(nccl_death "${PROJECT_SOURCE_DIR}/tests/ranks/nccl_death.cpp")
target_link_libraries(nccl_death PRIVATE peftgrid_warnings peftgrid_collectives)
add_dependencies(nccl_death nccl_standin)
foreach(case "2 0" "2 1" "3 1" "4 3" "8 0")
  string(REPLACE " " ";" words "${case}")
  list(GET words 0 ranks)
  list(GET words 1 victim)
  set(name nccl_death.${ranks}_ranks_victim_${victim})
  add_test(NAME ${name}
           COMMAND python3 "${PROJECT_SOURCE_DIR}/tests/ranks/nccl_death.py"
                   "${PROJECT_SOURCE_DIR}/tests/support/mpirun.sh" $<TARGET_FILE:nccl_death> ${ranks} ${victim})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60 PROCESSORS 2)
  over_nccl_standin(${name})
endforeach()
