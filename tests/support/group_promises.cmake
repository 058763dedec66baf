include_guard(GLOBAL)

# What every Group promises, for threads and for MPI.
add_library(group_promises STATIC "${PROJECT_SOURCE_DIR}/tests/support/group_promises.cpp")
target_include_directories(group_promises PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(group_promises PRIVATE peftgrid_warnings PUBLIC peftgrid_collectives GTest::gtest)
