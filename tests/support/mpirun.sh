#!/usr/bin/env bash
# mpirun as tests need it: as root, more ranks than cores, loopback only, and an end even where a rank hangs.
#   mpirun.sh -n RANKS PROGRAM ARGUMENTS...          PEFTGRID_RANK_TEST_S: seconds until it is killed
set -euo pipefail

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp
export OMPI_MCA_btl_vader_single_copy_mechanism=none # needs a capability that containers often lack
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo

exec timeout -k 5 "${PEFTGRID_RANK_TEST_S:-60}" mpirun "$@"
