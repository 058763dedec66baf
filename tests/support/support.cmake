include_guard(GLOBAL)

# A tiny random BERT folder, for tests that need a base.
add_library(tiny_bert STATIC "${PROJECT_SOURCE_DIR}/tests/support/tiny_bert.cpp")
target_link_libraries(tiny_bert PRIVATE peftgrid_warnings nlohmann_json::nlohmann_json
                                PUBLIC peftgrid_catalogue peftgrid_checkpoint)
