#include "orchestrator/grid/cell_warnings.hpp"

#include <fmt/format.h>

#include "worker/text.hpp"

namespace peftgrid::orchestrator {

void CellWarnings::see_method(const worker::TrialSpec& spec, const worker::BackboneFacts& base) {
  const std::vector<std::string> absent = worker::absent_parts(spec, base);
  if (absent.empty() || !said_.insert(spec.backbone.name + "\n" + spec.label).second) return;
  grid_.notes.push_back(fmt::format("{}: {} names {}, which the backbone has not; the rest is trained",
                                    spec.backbone.name, spec.label, worker::joined(absent)));
}

void CellWarnings::see_training(const worker::TrialSpec& spec) {
  const worker::TrainingSpec& training = spec.training;
  const std::int64_t rows = worker::training_rows(spec, facts_.tasks.at(spec.task.name));
  const std::int64_t steps = training.steps(rows);
  const double warmup = training.warmup_steps(steps);
  if (steps == 0 || warmup == 0 || warmup < static_cast<double>(steps)) return;
  const std::string place = fmt::format("{}, {} rows", spec.task.name, rows);
  if (!said_.insert(fmt::format("{}\n{}\n{}", place, steps, training.warmup)).second) return;
  if (steps == 1) {
    grid_.warnings.push_back(fmt::format(
        "{}: a warm-up (`warmup: {}`) begins with the rate 0, which the only step has, so nothing is trained; "
        "`warmup: 0`, or more steps, would be right",
        place, training.warmup));
  } else {
    grid_.warnings.push_back(fmt::format(
        "{}: the warm-up (`warmup: {}`) takes all of the {} steps, and the rate never reaches learning_rate; a "
        "shorter one would be right",
        place, training.warmup, steps));
  }
}

void CellWarnings::see_sample(const worker::TrialSpec& spec) {
  if (!said_.insert(fmt::format("{}\n{}\n{}", spec.task.name, spec.train_size, spec.data_seed)).second) return;
  const worker::TaskFacts& task = facts_.tasks.at(spec.task.name);
  if (worker::selects_among_equals(spec, task)) {
    const bool kept_out = spec.selection.from == "rows";
    grid_.warnings.push_back(
        fmt::format("{}: all {} have one label; they cannot tell a good step from a bad one", spec.task.name,
                    kept_out ? fmt::format("{} selection rows of data seed {}", spec.selection.rows, spec.data_seed)
                             : "rows of the validation file"));
  }
  std::vector<std::string> missing = worker::missing_labels(spec, task);
  if (missing.empty()) return;
  for (std::string& label : missing) label = worker::in_quotes(label);
  const std::string rows = spec.train_size == 0 ? "" : std::to_string(spec.train_size) + " ";
  grid_.warnings.push_back(fmt::format("{}: {} without a row among the {}training rows of data seed {}", spec.task.name,
                                       worker::joined(missing), rows, spec.data_seed));
}

}  // namespace peftgrid::orchestrator
