# A local Slurm of several nodes, brought up and taken down by each test. Where Slurm is not installed they skip.
function(add_slurm_test name timeout)
  add_test(NAME slurm.${name}
           COMMAND python3 "${PROJECT_SOURCE_DIR}/tests/slurm/${name}.py" --program $<TARGET_FILE:orchestrator>
                   --make-world $<TARGET_FILE:make_tiny_world>)
  set_tests_properties(slurm.${name} PROPERTIES TIMEOUT ${timeout} LABELS slurm SKIP_RETURN_CODE 77 COST 100)
endfunction()

add_slurm_test(submit 400)
add_slurm_test(requeue 400)
add_slurm_test(array_and_merge 300)
add_slurm_test(lost_node 500)
add_slurm_test(preemption 500)
