# The same promises as unit/collectives_test.cpp, over real ranks.
include("${PROJECT_SOURCE_DIR}/tests/support/group_promises.cmake")

add_executable(group_test "${PROJECT_SOURCE_DIR}/tests/ranks/group_test.cpp"
                          "${PROJECT_SOURCE_DIR}/tests/support/rank_main.cpp")
target_link_libraries(group_test PRIVATE peftgrid_warnings group_promises)
add_rank_test(group_test RANKS 1 2 3 4 TIMEOUT 90)
