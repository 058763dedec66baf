# Death at random moments. The short forms run in CI; `tests/faults/random_deaths.py --deaths 1000 …` is the long proof.
include_guard(GLOBAL)
include("${PROJECT_SOURCE_DIR}/tests/support/support.cmake")
add_executable(make_tiny_world "${PROJECT_SOURCE_DIR}/tests/faults/make_tiny_world.cpp")
target_include_directories(make_tiny_world PRIVATE "${PROJECT_SOURCE_DIR}")
target_link_libraries(make_tiny_world PRIVATE tiny_model peftgrid_warnings)

add_library(dying_publisher MODULE "${PROJECT_SOURCE_DIR}/tests/support/dying_publisher.cpp")
target_link_libraries(dying_publisher PRIVATE peftgrid_warnings)

add_library(no_locks MODULE "${PROJECT_SOURCE_DIR}/tests/support/no_locks.cpp")
target_link_libraries(no_locks PRIVATE peftgrid_warnings)

function(add_fault_test name timeout)
  add_fault_test_of(${name} ${name} ${timeout} ${ARGN})
endfunction()
function(add_fault_test_of script name timeout)
  add_test(NAME faults.${name}
           COMMAND python3 "${PROJECT_SOURCE_DIR}/tests/faults/${script}.py" --program $<TARGET_FILE:orchestrator>
                   --make-world $<TARGET_FILE:make_tiny_world> ${ARGN})
  set_tests_properties(faults.${name} PROPERTIES TIMEOUT ${timeout})
endfunction()

# What measures seconds, or waits for mpirun's own patience, runs alone; the rest beside each other and beside the Slurm
# tests, which wait, the longest first.
add_fault_test(stopping 200)
add_fault_test(storage_trouble 300)
add_fault_test(two_hosts 400)
set_tests_properties(faults.stopping faults.storage_trouble faults.two_hosts PROPERTIES RUN_SERIAL ON)

add_fault_test(random_deaths 600 --deaths 30 --dying-publisher $<TARGET_FILE:dying_publisher>)
add_fault_test(kill_and_resume 400 --kills 20)
add_fault_test(mid_trial 400)
add_fault_test(stopped_at_exit 120 --dying-publisher $<TARGET_FILE:dying_publisher>)
add_fault_test(unreachable 240)
add_fault_test(lost_at_start 240)
add_fault_test(slow_wrappers 120)
add_fault_test(bindings 120)
add_fault_test(same_numbers 240)
add_fault_test_of(same_numbers decoder_same_numbers 240 --world decoder)
add_fault_test_of(kill_and_resume decoder_kill_and_resume 400 --kills 4 --world decoder)
add_fault_test(diverging 120)
add_fault_test(output_trouble 200)
add_fault_test(believed_files 500)
add_fault_test(claims 300 --no-locks $<TARGET_FILE:no_locks>)
add_fault_test(older_targets 120)
add_fault_test(unreadable_files 60)
set_tests_properties(faults.random_deaths faults.kill_and_resume faults.mid_trial faults.stopped_at_exit faults.claims
                     faults.believed_files
                     PROPERTIES COST 90)
set_tests_properties(faults.storage_trouble faults.two_hosts faults.unreachable faults.lost_at_start faults.bindings
                     PROPERTIES SKIP_RETURN_CODE 77)
