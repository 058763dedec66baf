# Groups of ranks as threads; tests/ranks/ runs the same promises over MPI.
include("${PROJECT_SOURCE_DIR}/tests/support/group_promises.cmake")

add_unit_test(unit collectives_test group_promises)
