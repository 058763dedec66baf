# Grid and plan in a library of their own: these tests need neither LibTorch nor MPI.
file(GLOB grid_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/orchestrator/grid/*.cpp"
                                         "${PROJECT_SOURCE_DIR}/orchestrator/schedule/show_*.cpp")
foreach(file schedule/cost schedule/plan journal run_folder commands/plan)
  list(APPEND grid_sources "${PROJECT_SOURCE_DIR}/orchestrator/${file}.cpp")
endforeach()
add_library(grid_without_torch STATIC ${grid_sources})
target_include_directories(grid_without_torch PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(grid_without_torch PRIVATE peftgrid_warnings nlohmann_json::nlohmann_json
                                         PUBLIC peftgrid_catalogue peftgrid_checkpoint PkgConfig::YAML PkgConfig::FMT
                                                Boost::program_options)

add_library(tiny_bert STATIC "${PROJECT_SOURCE_DIR}/tests/support/tiny_bert.cpp")
target_link_libraries(tiny_bert PRIVATE peftgrid_warnings nlohmann_json::nlohmann_json
                                PUBLIC peftgrid_catalogue peftgrid_checkpoint)

add_unit_test(unit tokens_test tiny_bert)
add_unit_test(unit metrics_test peftgrid_catalogue nlohmann_json::nlohmann_json)
add_unit_test(unit trial_test peftgrid_catalogue)
add_unit_test(unit tasks_test peftgrid_catalogue)
add_unit_test(unit bad_input grid_without_torch tiny_bert)
target_sources(bad_input PRIVATE unit/bad_input/grid_mistakes.cpp unit/bad_input/method_mistakes.cpp
                                 unit/bad_input/task_mistakes.cpp unit/bad_input/file_mistakes.cpp)
add_unit_test(unit grid_test grid_without_torch tiny_bert)
add_unit_test(unit catalogue_test peftgrid_catalogue tiny_bert)
add_unit_test(unit plan_test grid_without_torch)
