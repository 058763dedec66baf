#include "slurm/last_round.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include "slurm/digits.hpp"

namespace peftgrid::slurm {

namespace {

namespace fs = std::filesystem;

constexpr std::array kWords{
    std::pair{"running", "was cut off, as by a lost node or by SIGKILL"},
    std::pair{"limit", "ended at its time limit"},
    std::pair{"ended", "failed; its log says why"},
    std::pair{"preempted", "was preempted"},
    std::pair{"requeued", "was requeued by Slurm"},
    std::pair{"cancelled", "was cancelled"},
    std::pair{"busy", "found the run folder in use"},
    std::pair{"refused", "was refused its input; its log says why"},
    std::pair{"failed", "could not start its launcher; its log says why"},
    std::pair{"finished", ""},
};

}  // namespace

std::optional<LastRound> read_last_round(const fs::path& folder) {
  const fs::path file = folder / "rounds";
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file, error))) return std::nullopt;
  std::array<char, 256> line{};
  std::ifstream in(file);
  in.getline(line.data(), line.size());
  std::istringstream fields(line.data());
  LastRound round;
  std::string idle, busy;
  fields >> round.job >> idle >> busy >> round.how;
  const bool known = std::ranges::any_of(kWords, [&](const auto& entry) { return entry.first == round.how; });
  return is_number(round.job) && known ? std::optional(round) : std::nullopt;
}

std::string round_text(const LastRound& round) {
  const auto* const found = std::ranges::find_if(kWords, [&](const auto& entry) { return entry.first == round.how; });
  const std::string words = found == kWords.end() ? "" : found->second;
  return words.empty() ? "" : "the last round, of Slurm job " + round.job + ", " + words;
}

}  // namespace peftgrid::slurm
