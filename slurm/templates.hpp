#pragma once

#include <string_view>

/// The files slurm/*.sbatch, slurm/outer_job.sh and slurm/rounds.sh as they were when the program was built.
namespace peftgrid::slurm {

extern const std::string_view kGridTemplate, kArrayTemplate, kMergeTemplate, kOuterJobTemplate, kRoundsTemplate;

}  // namespace peftgrid::slurm
