# Numbers of transformers, peft and adapters (make_golden.py) beside ours.
include("${PROJECT_SOURCE_DIR}/tests/support/network.cmake")

add_unit_test(golden folder_keys_test peftgrid_bookkeeping tiny_model nlohmann_json::nlohmann_json)
add_unit_test(golden golden_test test_network nlohmann_json::nlohmann_json)
target_sources(golden_test PRIVATE golden/golden_case.cpp golden/golden_numbers.cpp)
