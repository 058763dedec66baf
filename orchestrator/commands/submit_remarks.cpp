#include "orchestrator/commands/submit_remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/schedule/show_plan.hpp"
#include "slurm/time_limit.hpp"

namespace peftgrid::orchestrator {

namespace {

constexpr double kPredictionMargin = 1.1;

}  // namespace

void tell_time(const Tell& tell, const SubmitOptions& o, const TimeFit& fit, std::size_t trials, const Speed& speed) {
  const std::string ranks = fmt::format("{} node{} of {} rank{}", o.nodes, o.nodes == 1 ? "" : "s", o.ranks_per_node,
                                        o.ranks_per_node == 1 ? "" : "s");
  tell(fmt::format("{} trials to run on {}{}: about {}, at {:.0f} GFLOP/s a rank, {}\n", trials,
                   o.array > 0 ? fmt::format("{} times ", o.array) : "", ranks, seconds_text(fit.predicted_s),
                   speed.products.gflops,
                   speed.from_trials ? "as finished trials had" : "a guess until trials of this run are done"));
  if (fit.fits) return;
  const auto usable_s = static_cast<double>(o.time_s - o.signal_before_s);
  const auto limit_for = [&](double seconds) {
    return slurm::time_limit_text(seconds * kPredictionMargin + static_cast<double>(o.signal_before_s));
  };
  if (fit.nodes_that_fit == 0) {
    tell(fmt::format(
        "warning: the longest trial takes about {}, and a job of --time {} computes for {}: such a trial does "
        "not fit; --time {} would do for it, --time {} for all\n",
        seconds_text(fit.longest_s), o.time, seconds_text(usable_s), limit_for(fit.longest_s),
        limit_for(fit.predicted_s)));
    return;
  }
  tell(fmt::format(
      "warning: more than the {} that a job of --time {} computes; --time {} or --nodes {} would fit; as it is, "
      "about {:.0f} rounds, each put back in the queue by the one before\n",
      seconds_text(usable_s), o.time, limit_for(fit.predicted_s), fit.nodes_that_fit,
      std::ceil(fit.predicted_s / usable_s)));
}

void tell_waste(const Tell& tell, const SubmitOptions& o, const std::vector<std::vector<Job>>& parts) {
  const bool cuda = o.overrides.device == "cuda";
  const std::string gpus = fmt::format("{} GPU{}", o.gpus, o.gpus == 1 ? "" : "s");
  if (o.gpus > 0 && !cuda) {
    tell(fmt::format("warning: {} a node asked for, but trials train on the CPU; --device cuda would use {}\n", gpus,
                     o.gpus == 1 ? "it" : "them"));
  }
  if (cuda && o.gpus == 0) {
    tell(fmt::format(
        "warning: --device cuda asks for no GPU; --gres gpu:N would, unless each node of the partition gives "
        "its own\n"));
  }
  if (cuda && o.gpus > 0 && o.ranks_per_node > o.gpus) {
    tell(fmt::format("warning: {} ranks a node share {}; --ranks-per-node {} would give each rank its own\n",
                     o.ranks_per_node, gpus, o.gpus));
  }
  std::int64_t most_at_once = 0;
  for (const auto& part : parts) {
    std::int64_t ranks = 0;
    for (const Job& task : part) ranks += task.width;
    most_at_once = std::max(most_at_once, ranks);
  }
  const std::int64_t ranks = o.nodes * o.ranks_per_node;
  if (ranks > most_at_once) {
    tell(fmt::format("warning: of {} ranks no more than {} ever have a trial; fewer nodes or ranks would do as much\n",
                     ranks, most_at_once));
  }
}

}  // namespace peftgrid::orchestrator
