# Checks that need GPUs: skipped, visibly, where there is none; and over the stand-in for NCCL, so that they do not rot.
include("${PROJECT_SOURCE_DIR}/tests/support/group_promises.cmake")
include("${PROJECT_SOURCE_DIR}/tests/support/nccl_standin/nccl_standin.cmake")

add_executable(nccl_gpu_test "${PROJECT_SOURCE_DIR}/tests/gpu/nccl_gpu_test.cpp"
                             "${PROJECT_SOURCE_DIR}/tests/support/nccl_ranks.cpp"
                             "${PROJECT_SOURCE_DIR}/tests/support/rank_main.cpp")
target_link_libraries(nccl_gpu_test PRIVATE peftgrid_warnings group_promises peftgrid_nccl)
add_executable(count_devices "${PROJECT_SOURCE_DIR}/tests/gpu/count_devices.cpp")
target_link_libraries(count_devices PRIVATE peftgrid_warnings peftgrid_collectives)
# What tests/gpu/run.sh builds.
add_custom_target(gpu_checks DEPENDS nccl_gpu_test count_devices cuda_ops_test golden_test make_tiny_world orchestrator)

add_test(NAME gpu COMMAND "${PROJECT_SOURCE_DIR}/tests/gpu/run.sh" --built "${CMAKE_BINARY_DIR}" $<TARGET_FILE:orchestrator>)
add_test(NAME gpu_over_nccl_standin
         COMMAND "${PROJECT_SOURCE_DIR}/tests/gpu/run.sh" --built "${CMAKE_BINARY_DIR}" $<TARGET_FILE:orchestrator>)
over_nccl_standin(gpu_over_nccl_standin)
set_property(TEST gpu_over_nccl_standin PROPERTY ENVIRONMENT PEFTGRID_CUDA_IS_A_STANDIN=1)
set_tests_properties(gpu gpu_over_nccl_standin PROPERTIES TIMEOUT 300 RUN_SERIAL ON SKIP_RETURN_CODE 77)
