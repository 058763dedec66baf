include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")

add_unit_test(unit tokens_test tiny_model)
target_sources(tokens_test PRIVATE unit/row_encoder_test.cpp)
add_unit_test(unit metrics_test peftgrid_catalogue nlohmann_json::nlohmann_json)
add_unit_test(unit trial_test peftgrid_catalogue)
add_unit_test(unit tasks_test peftgrid_catalogue)
add_unit_test(unit target_scale_test peftgrid_catalogue)
add_unit_test(unit bad_input peftgrid_bookkeeping peftgrid_sample_trials tiny_model)
target_sources(bad_input PRIVATE unit/bad_input/grid_mistakes.cpp unit/bad_input/method_mistakes.cpp
                                 unit/bad_input/task_mistakes.cpp unit/bad_input/submit_mistakes.cpp
                                 unit/bad_input/table_mistakes.cpp unit/bad_input/backbone_mistakes.cpp
                                 unit/bad_input/decoder_mistakes.cpp unit/bad_input/kind_mistakes.cpp
                                 unit/bad_input/merge_mistakes.cpp)
add_unit_test(unit grid_test peftgrid_sample_trials tiny_model)
target_sources(grid_test PRIVATE unit/yaml_test.cpp)
add_unit_test(unit grid_words_test peftgrid_sample_trials tiny_model)
add_unit_test(unit catalogue_test peftgrid_catalogue tiny_model)
add_unit_test(unit decoder_config_test peftgrid_catalogue nlohmann_json::nlohmann_json)
add_unit_test(unit folder_test peftgrid_catalogue tiny_model)
add_unit_test(unit counts_test peftgrid_catalogue nlohmann_json::nlohmann_json)
add_unit_test(unit plan_test peftgrid_bookkeeping)
add_unit_test(unit scheduler_test peftgrid_bookkeeping)
add_unit_test(unit widths_test peftgrid_bookkeeping)
add_unit_test(unit liveness_test peftgrid_bookkeeping)
add_unit_test(unit end_estimate_test peftgrid_orchestrator)
add_unit_test(unit cores_test peftgrid_orchestrator)
add_unit_test(unit plain_display_test peftgrid_orchestrator)
add_unit_test(unit coordinator_test peftgrid_orchestrator nlohmann_json::nlohmann_json)
