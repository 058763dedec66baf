# What is written for, and read from, the batch system; the batch system itself is in tests/slurm/.
add_unit_test(unit slurm_test peftgrid_slurm)
add_unit_test(unit batch_script_test peftgrid_slurm)
add_unit_test(unit rounds_test peftgrid_slurm)
add_unit_test(unit submit_test peftgrid_bookkeeping tiny_model)
add_unit_test(unit shards_test peftgrid_bookkeeping)
