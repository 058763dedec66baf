include_guard(GLOBAL)

# Grid and plan in a library of their own: these tests need neither LibTorch nor MPI.
file(GLOB grid_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/orchestrator/grid/*.cpp"
                                         "${PROJECT_SOURCE_DIR}/orchestrator/schedule/show_*.cpp")
foreach(file schedule/cost schedule/plan journal run_folder commands/plan commands/command_line)
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
