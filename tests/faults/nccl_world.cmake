include("${PROJECT_SOURCE_DIR}/tests/support/nccl_standin/nccl_standin.cmake")
include("${PROJECT_SOURCE_DIR}/tests/faults/faults.cmake")
add_fault_test(nccl_world 120 --standin "${PEFTGRID_NCCL_STANDIN}")
