include_guard(GLOBAL)

# One trial's network on rows that a test gives.
add_library(test_network STATIC "${PROJECT_SOURCE_DIR}/tests/support/network.cpp")
target_include_directories(test_network PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(test_network PRIVATE peftgrid_warnings PUBLIC peftgrid_worker peftgrid_torch)
