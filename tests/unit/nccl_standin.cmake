# The stand-in for NCCL insists on what it promises to check: else the tests that run over it would prove little.
include("${PROJECT_SOURCE_DIR}/tests/support/group_promises.cmake")
include("${PROJECT_SOURCE_DIR}/tests/support/nccl_standin/nccl_standin.cmake")

add_unit_test(unit nccl_standin_test peftgrid_collectives peftgrid_nccl)
add_unit_test(unit nccl_threads_test group_promises)
foreach(name nccl_standin_test nccl_threads_test)
  add_dependencies(${name} nccl_standin)
  over_nccl_standin(${name})
endforeach()
