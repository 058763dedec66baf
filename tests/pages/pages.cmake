# The code of docs/adding_a_method.md and docs/adding_a_backbone.md, built beside the program and tested as if the tree
# held it: the four files that include a list are compiled again with the lists of the pages, before the linker looks for
# those of the libraries; all else is the program's own, and so are the contract and the golden cases.
include("${PROJECT_SOURCE_DIR}/tests/support/network.cmake")
include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")

set(pages "${CMAKE_CURRENT_BINARY_DIR}/pages")
cut_out_code("${PROJECT_SOURCE_DIR}/docs/adding_a_method.md" "${pages}" pages_networks)
cut_out_code("${PROJECT_SOURCE_DIR}/docs/adding_a_backbone.md" "${pages}" pages_networks)
set(pages_plan ${pages_networks})
list(FILTER pages_plan INCLUDE REGEX "_plan\\.cpp$")
list(FILTER pages_networks EXCLUDE REGEX "_plan\\.cpp$")
list(APPEND pages_plan "${PROJECT_SOURCE_DIR}/worker/methods/methods_plan.cpp"
                       "${PROJECT_SOURCE_DIR}/worker/backbones/architectures_plan.cpp")
list(APPEND pages_networks "${PROJECT_SOURCE_DIR}/worker/methods/methods.cpp"
                           "${PROJECT_SOURCE_DIR}/worker/backbones/backbones.cpp")

# Apart, since LibTorch brings an fmt of its own.
add_library(pages_plan OBJECT ${pages_plan})
target_include_directories(pages_plan BEFORE PRIVATE "${pages}")
target_link_libraries(pages_plan PRIVATE peftgrid_warnings nlohmann_json::nlohmann_json PkgConfig::FMT peftgrid_catalogue)

add_unit_test(pages pages_test test_network tiny_model nlohmann_json::nlohmann_json)
target_include_directories(pages_test BEFORE PRIVATE "${pages}")
target_sources(pages_test PRIVATE ${pages_networks} $<TARGET_OBJECTS:pages_plan> $<TARGET_OBJECTS:contract_test>
                                  $<TARGET_OBJECTS:golden_test>)

# The method on every backbone, then every method on the backbone.
set_tests_properties(pages_test PROPERTIES ENVIRONMENT
                     "GTEST_FILTER=Pages*:VeraOfThePage*:ElectraOfThePage*:*/vera:*_vera*:*tiny_electra*:*/electra")
add_test(NAME pages_backbone COMMAND pages_test --gtest_filter=Methods/Contract.*)
set_tests_properties(pages_backbone PROPERTIES TIMEOUT 300 ENVIRONMENT "PEFTGRID_TEST_SUBJECTS=electra")
