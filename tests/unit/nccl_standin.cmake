# The stand-in for NCCL insists on what it promises to check: else the tests that run over it would prove little.
include("${PROJECT_SOURCE_DIR}/tests/support/nccl_standin/nccl_standin.cmake")

add_unit_test(unit nccl_standin_test peftgrid_collectives peftgrid_nccl)
add_dependencies(nccl_standin_test nccl_standin)
over_nccl_standin(nccl_standin_test)
