include_guard(GLOBAL)

# A tiny random BERT folder, for tests that need a base.
add_library(tiny_model STATIC "${PROJECT_SOURCE_DIR}/tests/support/tiny_model.cpp")
target_link_libraries(tiny_model PRIVATE peftgrid_warnings nlohmann_json::nlohmann_json
                                PUBLIC peftgrid_catalogue peftgrid_checkpoint)
