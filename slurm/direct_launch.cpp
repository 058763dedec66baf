#include "slurm/direct_launch.hpp"

#include <cstdlib>

namespace peftgrid::slurm {

DirectLaunch direct_launch(const Variables& variables) {
  const auto is = [&](const char* name, const char* value) {
    const auto found = variables.find(name);
    return found != variables.end() && found->second == value;
  };
  const bool by_srun = variables.contains("SLURM_STEPID") || variables.contains("SLURM_STEP_ID");
  if (!by_srun || variables.contains("PMIX_RANK")) return DirectLaunch::None;
  if (is("SLURM_STEP_NUM_TASKS", "1")) return DirectLaunch::Alone;
  return is("SLURM_PROCID", "0") ? DirectLaunch::First : DirectLaunch::Other;
}

void forget_step() {
  unsetenv("SLURM_STEPID");
  unsetenv("SLURM_STEP_ID");
}

}  // namespace peftgrid::slurm
