# Tests of what is kept and told: files, merging, statistics, reports.
add_library(peftgrid_sample_trials STATIC "${PROJECT_SOURCE_DIR}/tests/support/sample_trials.cpp")
target_include_directories(peftgrid_sample_trials PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(peftgrid_sample_trials PRIVATE peftgrid_warnings PUBLIC peftgrid_bookkeeping
                                                     nlohmann_json::nlohmann_json)

add_unit_test(unit trial_file_test peftgrid_sample_trials PkgConfig::HDF5)
add_unit_test(unit trial_mould_test peftgrid_sample_trials PkgConfig::HDF5)
add_unit_test(unit same_numbers_test peftgrid_sample_trials)
add_unit_test(unit safetensors_test peftgrid_checkpoint nlohmann_json::nlohmann_json)
add_unit_test(unit publish_test peftgrid_checkpoint)
add_unit_test(unit plain_file_test peftgrid_catalogue)
add_unit_test(unit merge_test peftgrid_sample_trials)
add_unit_test(unit trial_reader_test peftgrid_sample_trials PkgConfig::HDF5)
add_unit_test(unit statistics_test peftgrid_bookkeeping nlohmann_json::nlohmann_json)
add_unit_test(unit report_test peftgrid_sample_trials)
add_unit_test(unit journal_test peftgrid_sample_trials)
add_unit_test(unit result_commands_test peftgrid_sample_trials PkgConfig::HDF5)
add_unit_test(unit status_test peftgrid_sample_trials peftgrid_orchestrator)
