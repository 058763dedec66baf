#include "slurm/sbatch.hpp"

#include <sstream>
#include <vector>

#include "slurm/digits.hpp"
#include "slurm/subprocess.hpp"

namespace peftgrid::slurm {

std::string submit_script(const std::filesystem::path& script, const std::string& dependency) {
  std::vector<std::string> words = {"sbatch", "--parsable"};
  if (!dependency.empty()) words.push_back("--dependency=" + dependency);
  words.push_back(script.string());
  const CommandResult result = run_command(words);
  // "12" or "12;cluster", behind warnings if there are any.
  std::string last, line;
  for (std::istringstream text(result.output); std::getline(text, line);) last = line.empty() ? last : line;
  const std::string job = last.substr(0, last.find(';'));
  if (result.code != 0 || !is_number(job)) throw SlurmError("sbatch refused " + script.string() + ": " + result.output);
  return job;
}

}  // namespace peftgrid::slurm
