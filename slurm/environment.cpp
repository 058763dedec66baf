#include "slurm/environment.hpp"

#include <unistd.h>

#include <charconv>
#include <string_view>

namespace peftgrid::slurm {

namespace {

std::string value_of(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

std::optional<int> number_in(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    if (end != 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

}  // namespace

Environment read_environment(const Variables& variables) {
  Environment e;
  const std::string array = value_of(variables, "SLURM_ARRAY_JOB_ID");
  e.job =
      array.empty() ? value_of(variables, "SLURM_JOB_ID") : array + "_" + value_of(variables, "SLURM_ARRAY_TASK_ID");
  e.nodes = value_of(variables, "SLURM_JOB_NODELIST");
  e.node = value_of(variables, "SLURMD_NODENAME");
  // Under mpirun each rank inherits the SLURM_LOCALID of what started it: 0.
  e.local_rank = number_in(value_of(variables, "OMPI_COMM_WORLD_LOCAL_RANK"));
  if (!e.local_rank && variables.contains("SLURM_STEP_ID")) {
    e.local_rank = number_in(value_of(variables, "SLURM_LOCALID"));
  }
  e.gpus = split_at_commas(value_of(variables, "CUDA_VISIBLE_DEVICES"));
  return e;
}

Variables process_variables() {
  Variables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::optional<std::string> gpu_of_rank(const Environment& environment) {
  if (environment.gpus.empty() || !environment.local_rank) return std::nullopt;
  return environment.gpus[static_cast<std::size_t>(*environment.local_rank) % environment.gpus.size()];
}

}  // namespace peftgrid::slurm
