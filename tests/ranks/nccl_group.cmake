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
