#include "orchestrator/grid/expand.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/grid/cell_warnings.hpp"
#include "orchestrator/grid/option_text.hpp"
#include "orchestrator/grid/values.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using worker::BackboneFacts;
using worker::TaskFacts;
using worker::TrialSpec;
using worker::UsageError;

constexpr std::size_t kMostTrials = 1'000'000;

/// Runs a check of the catalogue and puts the grid's place before what it says.
template <typename Check>
void at_place(const Node& node, Check check) {
  try {
    check();
  } catch (const UsageError& error) {
    node.fail(error.what());
  }
}

/// Why a size does not fit a task, if it does not.
std::optional<std::string> does_not_fit(std::int64_t size, const worker::SelectionSpec& selection,
                                        const TaskFacts& task) {
  const std::int64_t kept_out = selection.kept_out();
  if (std::max<std::int64_t>(size, 1) + kept_out <= task.train_rows) return std::nullopt;
  if (kept_out == 0) return fmt::format("{} training rows; the task has {}", size, task.train_rows);
  return fmt::format("{} training and {} selection rows; the task has {}", size == 0 ? "all" : std::to_string(size),
                     kept_out, task.train_rows);
}

const worker::SelectionSpec& selection_for(const GridFile& file, std::int64_t size) {
  return size == 0 ? file.selection_of_all : file.selection;
}

void check_sizes(const GridFile& file, const Facts& facts) {
  const Node* node = file.root.find("train_sizes");
  for (const std::int64_t size : file.train_sizes) {
    std::vector<std::string> rows;
    bool fits = false;
    for (const TaskEntry& task : file.tasks) {
      const TaskFacts& known = facts.tasks.at(task.spec.name);
      fits = fits || !does_not_fit(size, selection_for(file, size), known);
      rows.push_back(fmt::format("{} has {}", task.spec.name, known.train_rows));
    }
    if (fits) continue;
    const std::int64_t kept_out = selection_for(file, size).kept_out();
    const std::string extra =
        kept_out ? fmt::format(" with {} selection rows (fewer, or `selection: none`, may fit)", kept_out) : "";
    (node ? *node : file.root)
        .fail(fmt::format("the training size {}{} fits no task: {}", size == 0 ? "all" : std::to_string(size), extra,
                          worker::joined(rows)));
  }
}

/// A cell's trials but for size and seed, and what the grid says of them that changes none.
struct Wanted {
  TrialSpec spec;
  std::vector<std::string> idle;  // "input: gpt1"
};

/// Takes a setting back that changes nothing here.
template <typename Value>
void leave_out(Wanted& wanted, const std::string& name, Value& setting, const Value& none) {
  if (setting == none) return;
  wanted.idle.push_back(fmt::format("{}: {}", name, setting));
  setting = none;
}

/// Takes an option back to its default.
void leave_out_option(Wanted& wanted, const std::string& name) {
  const auto& options = worker::find_method(wanted.spec.method.name)->options;
  const auto option = std::ranges::find(options, name, &worker::OptionInfo::name);
  worker::OptionValue& value = wanted.spec.method.options.at(name);
  if (value == option->fallback) return;
  wanted.idle.push_back(fmt::format("{}: {}", name, option_text(value)));
  value = option->fallback;
}

/// What one list has and the other has not.
std::vector<std::string> unlike(std::vector<std::string> one, std::vector<std::string> other) {
  std::vector<std::string> found;
  std::ranges::sort(one);
  std::ranges::sort(other);
  std::ranges::set_symmetric_difference(one, other, std::back_inserter(found));
  return found;
}

/// Trials of one cell: the same but for seeds.
class Expansion {
 public:
  Expansion(const GridFile& file, const Facts& facts, const Filter& filter, const Overrides& overrides, Grid& grid)
      : file_(file), facts_(facts), filter_(filter), overrides_(overrides), grid_(grid), warnings_(facts, grid) {}

  void run() {
    for (const BackboneEntry& backbone : file_.backbones) {
      for (const TaskEntry& task : file_.tasks) {
        for (const MethodEntry& method : file_.methods) add_sizes(backbone, task, method);
      }
    }
  }

 private:
  Wanted common(const BackboneEntry& backbone, const TaskEntry& task, const MethodEntry& method) const {
    const BackboneFacts& base = facts_.backbones.at(backbone.name);
    Wanted wanted;
    TrialSpec& spec = wanted.spec;
    spec.label = method.label;
    spec.backbone = {backbone.name,
                     backbone.path,
                     base.model.architecture->name,
                     backbone.readout.empty() ? base.default_readout : backbone.readout,
                     base.weights_sha256,
                     base.tokenizer_sha256,
                     backbone.truncation_side.empty() ? base.truncation_side : backbone.truncation_side,
                     backbone.input.empty() ? base.model.architecture->input : backbone.input};
    spec.task = facts_.specs.at(task.spec.name);
    spec.method = method.spec;
    const bool untrained = worker::is_untrained(method.spec.name);
    const bool language_model = spec.task.kind == worker::kLanguageModel;
    // Tokens are inserted for a head to read; only then does a pair's order matter.
    const std::string plain = worker::kInputPlain;
    if (language_model) spec.backbone.vocabulary = base.model.config.vocabulary;
    if (untrained || language_model) {
      leave_out(wanted, "input", spec.backbone.input, plain);
      leave_out(wanted, "readout", spec.backbone.readout, base.model.architecture->readouts.front());
    }
    if (spec.backbone.input == plain) leave_out(wanted, "symmetric", spec.task.symmetric, false);
    std::map<std::string, std::string> origins;
    spec.training = training_of(file_, spec.task, task.training, method, base, origins);
    if (language_model) leave_out(wanted, "auxiliary_lm", spec.training.auxiliary_lm, 0.0);  // its own loss is that
    spec.protocol = file_.protocol;
    spec.precision = file_.precision;
    spec.keep = file_.keep;
    spec.logits = file_.logits;
    spec.width = method.width.value_or(file_.width);
    if (spec.width > spec.training.batch_size) {
      method.node.fail(fmt::format("width {} is more than the {} rows of a batch, which the ranks share", spec.width,
                                   spec.training.batch_size));
    }
    if (untrained) forget_training(spec);
    spec.device = overrides_.device;
    spec.threads = overrides_.threads;
    at_place(backbone.node, [&] { worker::check_backbone(spec, base); });
    at_place(place_of_length(backbone, task, method), [&] { worker::check_length(spec, base); });
    at_place(method.node, [&] { check_on(backbone, spec, base); });
    for (const std::string& name : worker::idle_options(spec, base)) leave_out_option(wanted, name);
    return wanted;
  }

  const Node& place_of_length(const BackboneEntry& backbone, const TaskEntry& task, const MethodEntry& method) const {
    for (const TrainingLayer* layer : {&method.training, &task.training, &file_.training}) {
      if (const Node* node = layer->find("max_length")) return *node;
    }
    return backbone.node;
  }

  /// Where there are several backbones, what is wrong on one of them names it.
  void check_on(const BackboneEntry& backbone, const TrialSpec& spec, const BackboneFacts& base) const {
    try {
      worker::check_method(spec, base);
    } catch (const UsageError& error) {
      if (file_.backbones.size() == 1) throw;
      throw UsageError(fmt::format("on {}: {}", backbone.name, error.what()));
    }
  }

  /// What does not train has neither seed nor size: one trial, whatever the grid says of them.
  static void forget_training(TrialSpec& spec) {
    worker::TrainingSpec none;
    none.max_length = spec.training.max_length;
    none.epochs = 0;
    spec.training = none;
    spec.train_size = 0;
    spec.selection = {"none", worker::SelectionSpec().order, 0, 0, 0};
    spec.width = 1;
  }

  void add_sizes(const BackboneEntry& backbone, const TaskEntry& task, const MethodEntry& method) {
    Wanted wanted = common(backbone, task, method);
    TrialSpec& spec = wanted.spec;
    const auto reason = worker::does_not_apply(spec, facts_.backbones.at(backbone.name));
    const bool untrained = worker::is_untrained(method.spec.name);
    for (const std::int64_t size : file_.train_sizes) {
      if (!filter_.takes(backbone.name, task.spec.name, method.spec.name, method.label, size)) continue;
      const auto misfit = reason || untrained
                              ? reason
                              : does_not_fit(size, selection_for(file_, size), facts_.tasks.at(task.spec.name));
      if (misfit) {
        grid_.holes.push_back({backbone.name, task.spec.name, method.label, size, *misfit});
        continue;
      }
      if (untrained) return add_cell(wanted, method);
      spec.train_size = size;
      spec.selection = selection_for(file_, size);
      add_cell(wanted, method);
    }
  }

  void add_cell(Wanted& wanted, const MethodEntry& method) {
    TrialSpec& spec = wanted.spec;
    const bool untrained = worker::is_untrained(spec.method.name);
    const std::int64_t size = untrained ? kNoTrainingRows : spec.train_size;
    spec.cell = worker::cell_id(spec);
    if (const auto why = is_there(wanted, method)) {
      grid_.holes.push_back({spec.backbone.name, spec.task.name, spec.label, size, *why});
      return;
    }
    Cell cell{spec.cell, spec.backbone.name, spec.task.name, spec.label, size, {}, {}};
    if (spec.width == 0) cell.undecided = spec.cell;
    for (const std::uint64_t seed : untrained ? std::vector<std::uint64_t>{1} : file_.seeds) {
      spec.seed = seed;
      spec.data_seed = untrained ? seed : file_.data_seed.value_or(seed);
      if (!untrained && !filter_.takes(spec)) continue;
      spec.id = worker::trial_id(spec);
      cell.trials.push_back(grid_.trials.size());
      grid_.trials.push_back(spec);
      if (grid_.trials.size() > kMostTrials) file_.root.fail(fmt::format("more than {} trials", kMostTrials));
      warnings_.see_sample(spec);
    }
    if (cell.trials.empty()) return;
    grid_.cells.push_back(std::move(cell));
    warnings_.see_method(spec, facts_.backbones.at(spec.backbone.name));
    if (!untrained) warnings_.see_training(spec);
  }

  /// Why a cell is not trained: an earlier one has its trials, where what would tell them apart changes nothing here.
  std::optional<std::string> is_there(const Wanted& wanted, const MethodEntry& method) {
    const TrialSpec& spec = wanted.spec;
    const std::string label = fmt::format("{} of {} on {}", spec.label, spec.task.name, spec.backbone.name);
    const auto [before, fresh] = cells_.emplace(spec.cell, Named{label, wanted.idle});
    if (fresh) return std::nullopt;
    const std::vector<std::string> idle = unlike(before->second.idle, wanted.idle);
    if (idle.empty()) {
      method.node.fail(
          fmt::format("{} and {} are the same trials in everything that can change a number; leave one out",
                      before->second.label, label));
    }
    return fmt::format("the same trials as {}: {} {} nothing here", before->second.label, worker::joined(idle),
                       idle.size() == 1 ? "changes" : "change");
  }

  const GridFile& file_;
  const Facts& facts_;
  const Filter& filter_;
  const Overrides& overrides_;
  Grid& grid_;
  struct Named {
    std::string label;
    std::vector<std::string> idle;
  };
  std::map<std::string, Named> cells_;  // by id
  CellWarnings warnings_;
};

}  // namespace

worker::TrainingSpec default_training(const GridFile& file, std::map<std::string, std::string>& origins) {
  const worker::TrainingSpec& own = worker::find_protocol("")->training;
  const worker::TrainingSpec& training = worker::find_protocol(file.protocol)->training;
  for (const TrainingKey& key : training_keys()) {
    if (training_text(training, key.name) != training_text(own, key.name)) origins[key.name] = "protocol";
  }
  return training;
}

worker::TrainingSpec training_of(const GridFile& file, const worker::TaskSpec& task, const TrainingLayer& of_task,
                                 const MethodEntry& method, const BackboneFacts& backbone,
                                 std::map<std::string, std::string>& origins) {
  worker::TrainingSpec training = default_training(file, origins);
  const auto published = worker::published_rate(method.spec.name, file.protocol);
  const bool swept = worker::has_swept_rate(method.spec, backbone);
  // Published rates are of large models; small ones learn nothing at them.
  training.learning_rate =
      published && !swept ? *published : worker::default_learning_rate(method.spec, task, backbone);
  origins["learning_rate"] = swept ? "sweep" : (published ? "protocol" : "default");
  file.training.lay_over(training, origins);
  of_task.lay_over(training, origins);
  method.training.lay_over(training, origins);
  if (method.learning_rate) {
    training.learning_rate = *method.learning_rate;
    origins["learning_rate"] = method.rate_origin;
  }
  return training;
}

void expand(const GridFile& file, const Facts& facts, const Filter& filter, const Overrides& overrides, Grid& grid) {
  check_sizes(file, facts);
  Expansion(file, facts, filter, overrides, grid).run();
}

}  // namespace peftgrid::orchestrator
