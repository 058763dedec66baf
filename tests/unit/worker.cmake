# Tests of the worker's operators, below backbones and methods.
include("${PROJECT_SOURCE_DIR}/tests/support/network.cmake")

add_unit_test(unit kernels_test peftgrid_worker peftgrid_torch)
target_sources(kernels_test PRIVATE unit/attention_kernels_test.cpp unit/tile_product_test.cpp support/plain_attention.cpp)
add_unit_test(unit operators_test test_network)
target_sources(operators_test PRIVATE unit/feature_memo_test.cpp unit/token_functions_test.cpp
               unit/linear_cross_entropy_test.cpp)
add_unit_test(unit feature_board_test peftgrid_worker peftgrid_sample_trials)
add_unit_test(unit cuda_ops_test test_network)
add_unit_test(unit optim_test test_network nlohmann_json::nlohmann_json)
