# Every method on every backbone: what a new one gets for free.
include("${PROJECT_SOURCE_DIR}/tests/support/network.cmake")
include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")

add_unit_test(contract contract_test test_network tiny_model)
target_sources(contract_test PRIVATE contract/subjects.cpp contract/packing_test.cpp contract/sites_test.cpp
                                     contract/causal_test.cpp contract/language_test.cpp contract/training.cpp
                                     contract/width_test.cpp contract/regression_test.cpp
                                     contract/folding_test.cpp contract/prefix_test.cpp contract/prompt_test.cpp contract/llama_adapter_test.cpp)
if(PEFTGRID_SANITIZE)
  target_compile_definitions(contract_test PRIVATE PEFTGRID_SANITIZED)
  # The longest test there: a half of it for each of two cores.
  add_test(NAME contract_test.other_half COMMAND contract_test)
  set(halves "GTEST_TOTAL_SHARDS=2;GTEST_SHARD_INDEX=")
  set_tests_properties(contract_test PROPERTIES ENVIRONMENT "${halves}0")
  set_tests_properties(contract_test.other_half PROPERTIES ENVIRONMENT "${halves}1" TIMEOUT 300)
endif()
