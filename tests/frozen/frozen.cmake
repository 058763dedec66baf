# Ids and bytes of an earlier commit: frozen_test compares, record.sh records.
add_library(frozen_worlds STATIC "${PROJECT_SOURCE_DIR}/tests/frozen/models.cpp"
                                 "${PROJECT_SOURCE_DIR}/tests/frozen/trials.cpp"
                                 "${PROJECT_SOURCE_DIR}/tests/frozen/worlds.cpp"
                                 "${PROJECT_SOURCE_DIR}/tests/golden/golden_numbers.cpp")
target_include_directories(frozen_worlds PUBLIC "${PROJECT_SOURCE_DIR}")
# Another compiler may order or contract sums otherwise, and so does one that does not optimise.
target_compile_definitions(frozen_worlds PRIVATE
  PEFTGRID_BUILT_BY="${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}")
target_link_libraries(frozen_worlds PRIVATE peftgrid_warnings PUBLIC peftgrid_checkpoint nlohmann_json::nlohmann_json)

add_executable(record_frozen "${PROJECT_SOURCE_DIR}/tests/frozen/record_frozen.cpp")
target_link_libraries(record_frozen PRIVATE frozen_worlds peftgrid_warnings)

add_executable(frozen_test "${PROJECT_SOURCE_DIR}/tests/frozen/frozen_test.cpp")
target_compile_definitions(frozen_test PRIVATE PEFTGRID_SOURCE="${PROJECT_SOURCE_DIR}"
                                               PEFTGRID_PROGRAM="$<TARGET_FILE:orchestrator>")
target_link_libraries(frozen_test PRIVATE frozen_worlds peftgrid_warnings GTest::gtest_main GTest::gmock)
add_dependencies(frozen_test orchestrator)
add_test(NAME frozen COMMAND frozen_test)
set_tests_properties(frozen PROPERTIES TIMEOUT 300 LABELS frozen)
