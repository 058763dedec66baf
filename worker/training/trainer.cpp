#include "worker/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/service/device.hpp"
#include "worker/service/measure.hpp"
#include "worker/tasks/metrics.hpp"
#include "worker/training/best_step.hpp"
#include "worker/training/evaluation.hpp"
#include "worker/training/kept_tensors.hpp"
#include "worker/training/optim.hpp"
#include "worker/training/state_saver.hpp"
#include "worker/training/steps.hpp"
#include "worker/training/trial_rows.hpp"

namespace peftgrid::worker {

namespace {

using checkpoint::TrialRecord;

class Trainer {
 public:
  Trainer(const TrialSpec& spec, Store& store, const Team& team, const ProgressCallbacks& callbacks,
          const CheckpointPolicy& checkpoints)
      : spec_(spec),
        store_(store),
        team_(team),
        callbacks_(callbacks),
        model_(spec, store),
        choice_(choose_rows(spec, *model_.data())),
        parameters_(all_parameters(model_), tokens_of(model_.data()->train(), choice_.train), model_.device()),
        saver_(checkpoints, state_owner(spec.id, parameters_)),
        steps_(spec, model_, parameters_, choice_.train, team) {
    model_.objective().see_training_labels(labels_of(model_.data()->train(), choice_.train));
  }

  std::optional<TrialRecord> run() {
    describe();
    compute_features();
    learn();
    if (record_.state == "done") test();
    if (!team_.leads()) return std::nullopt;
    keep_tensors(spec_, model_, record_);
    for (const auto& [test, logits] : test_logits_) keep_logits(test, logits, record_);
    record_progress();
    record_.peak_memory_bytes = model_.device().is_cpu() ? worker::peak_memory_bytes() : device_peak_bytes();
    return std::move(record_);
  }

 private:
  static std::vector<Trained> all_parameters(const Model& model) {
    std::vector<Trained> all = model.method_parameters();
    for (Trained& head : model.head_parameters()) all.push_back(std::move(head));
    return all;
  }

  void describe() {
    record_.id = spec_.id;
    record_.state = "done";
    for (const Trained& p : model_.method_parameters()) record_.trained_parameters += p.tensor.numel();
    for (const Trained& p : model_.head_parameters()) record_.head_parameters += p.tensor.numel();
    const TokenizedSplit& train = model_.data()->train();
    std::vector<std::int64_t> seen(spec_.task.labels.size());
    for (const std::int64_t row : choice_.train) {
      record_.truncated_rows += train.truncated(row) ? 1 : 0;
      if (!seen.empty()) ++seen[static_cast<std::size_t>(train.label(row))];
    }
    for (std::size_t c = 0; c < seen.size(); ++c) {
      if (seen[c] == 0) record_.warnings.push_back("class " + spec_.task.labels[c] + " has no training row");
    }
  }

  /// Where the base runs in evaluation mode, each row goes through it once instead of once an epoch.
  void compute_features() {
    if (!model_.computes_features_once()) return;
    const double begin = now_s();
    steps_.take_features(represent(model_, model_.data()->train(), choice_.train, team_, check_cancelled_));
    progress_.training_s += now_s() - begin;
    if (!choice_.selection.empty()) {
      selection_features_ =
          evaluation_features(choice_.selection_name, *choice_.selection_split, choice_.selection).values;
      progress_.evaluation_s += now_s() - begin - progress_.training_s;
    }
  }

  /// Other trials evaluate on the same features. A team's ranks may remember different ones, and make them together.
  FeatureMemo::Features evaluation_features(const std::string& name, const TokenizedSplit& split, const Rows& rows) {
    if (team_.size() > 1) return {represent(model_, split, rows, team_, check_cancelled_), 0};
    const auto board = [&](std::size_t groups) {
      return store_.board(spec_, name, rows, groups, rows.size() * static_cast<std::size_t>(model_.width()));
    };
    return store_.features(spec_, name, rows,
                           [&] { return represent_with_node(model_, split, rows, board, check_cancelled_); });
  }

  void learn() {
    if (parameters_.parameters().empty()) return;
    AdamW optimizer(parameters_, spec_.training, steps_.total());
    for (std::int64_t step = resume(optimizer) + 1;
         step <= steps_.total() && !best_.out_of_patience(spec_.selection.patience); ++step) {
      save_checkpoint(optimizer, false);
      check_cancelled_();
      try {
        if (!take_step(optimizer, step)) return;
      } catch (const Interrupted&) {  // while waiting for the others' gradients: the step has changed nothing yet
        save_checkpoint(optimizer, false);
        throw;
      }
      if (is_evaluation_point(step)) evaluate(optimizer, step);
    }
    optimizer.apply_pending_decay();
    keep_best();
  }

  /// Where nothing was selected, or nothing could be, the last step's values stay.
  void keep_best() {
    if (best_.values().defined() && !best_.undefined()) {
      parameters_.values().copy_(best_.values());
      return;
    }
    progress_.best_step = progress_.step;
    if (!best_.undefined()) return;
    record_.warnings.push_back(spec_.task.metrics.front() +
                               " is undefined on the selection rows at every step: the last step was kept");
  }

  /// False: the trial has diverged.
  bool take_step(AdamW& optimizer, std::int64_t step) {
    const double begin = now_s();
    const double loss = steps_.gradients_of(step - 1);
    const double norm = optimizer.step();
    progress_.training_s += now_s() - begin;
    progress_.step = step;
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      record_.state = "diverged";
      record_.reason = std::string(std::isfinite(loss) ? "the gradient" : "the loss") + " became " +
                       (std::isnan(std::isfinite(loss) ? norm : loss) ? "NaN" : "infinite") + " at step " +
                       std::to_string(step) + " of " + std::to_string(steps_.total());
      return false;
    }
    progress_.loss_sum += loss;
    ++progress_.losses;
    callbacks_.progress({step, steps_.total(), loss});
    return true;
  }

  void evaluate(AdamW& optimizer, std::int64_t step) {
    optimizer.apply_pending_decay();
    double score = 0;
    try {
      score = select(step);
    } catch (const Interrupted&) {
      save_checkpoint(optimizer, true);
      throw;
    }
    progress_.curve.push_back({step, static_cast<double>(step) / static_cast<double>(steps_.per_epoch()),
                               progress_.loss_sum / static_cast<double>(progress_.losses), score});
    progress_.loss_sum = 0;
    progress_.losses = 0;
  }

  /// Goes on where an earlier start left off; the number of steps that are done.
  std::int64_t resume(AdamW& optimizer) {
    if (!saver_.keeps()) return 0;
    std::optional<TrainingState> state;
    if (team_.leads()) state = saver_.read();
    if (team_.size() > 1) state = share_state(team_, std::move(state), saver_.owner().parameters);
    if (!state || state->step > steps_.total()) return 0;
    parameters_.values().copy_(state->values);
    optimizer.restore({state->step, state->pending_decay, state->first, state->second});
    steps_.go_on_from({static_cast<std::uint32_t>(state->micro_step), state->training_tokens});
    best_.resume(state->best_values);
    progress_ = *state;
    record_.resumed_step = progress_.step;
    callbacks_.progress({progress_.step, steps_.total(), std::numeric_limits<double>::quiet_NaN()});
    if (progress_.evaluation_due) evaluate(optimizer, progress_.step);
    return progress_.step;
  }

  void save_checkpoint(const AdamW& optimizer, bool evaluation_due) {
    if (!saver_.keeps() || !team_.leads() || progress_.step == record_.resumed_step) return;
    const bool leaving = callbacks_.stop(), due = saver_.is_due();
    if (!due && !leaving) return;
    if (const auto trouble = saver_.save(state_of(optimizer, evaluation_due), due))
      record_.warnings.push_back(*trouble);
  }

  TrainingState state_of(const AdamW& optimizer, bool evaluation_due) {
    const AdamW::State moments = optimizer.state();
    TrainingState state{progress_now(), parameters_.values().cpu(), moments.first.cpu(), moments.second.cpu(),
                        best_.values().defined() ? best_.values().cpu() : at::Tensor()};
    state.evaluation_due = evaluation_due;
    state.pending_decay = moments.pending_decay;
    return state;
  }

  /// With what counts all the time, not at events.
  TrainingProgress progress_now() const {
    TrainingProgress now = progress_;
    now.micro_step = steps_.count().micro_batches;
    now.training_tokens = steps_.count().tokens;
    now.total_s += now_s() - begin_s_;
    now.rank_s += (now_s() - begin_s_) * team_.size();
    now.cpu_s += cpu_seconds() - begin_cpu_s_;
    return now;
  }

  void record_progress() {
    TrainingProgress now = progress_now();
    record_.steps = now.step;
    record_.best_step = now.best_step;
    record_.curve = std::move(now.curve);
    record_.training_tokens = now.training_tokens;
    record_.training_s = now.training_s;
    record_.evaluation_s = now.evaluation_s;
    record_.total_s = now.total_s;
    record_.rank_s = now.rank_s;
    record_.cpu_s = now.cpu_s;
  }

  bool is_evaluation_point(std::int64_t step) const {
    const std::int64_t every = spec_.selection.every_steps > 0 ? spec_.selection.every_steps : steps_.per_epoch();
    return step % every == 0 || step == steps_.total();
  }

  /// Evaluates on the selection rows and keeps the best step's values; a tie keeps the earlier one. NaN: nothing
  /// selects.
  double select(std::int64_t step) {
    if (spec_.selection.from == "none") return std::numeric_limits<double>::quiet_NaN();
    const double begin = now_s();
    const double score = score_on(*choice_.selection_split, choice_.selection, selection_features_);
    progress_.evaluation_s += now_s() - begin;
    best_.offer(step, score, parameters_.values());
    return score;
  }

  double score_on(const TokenizedSplit& split, const Rows& rows, const at::Tensor& features) {
    const std::vector<double> labels = labels_of(split, rows);
    return selection_metric_.score(labels, predict(model_, split, rows, features, team_, check_cancelled_));
  }

  void test() {
    const double begin = now_s(), spent = spent_s(model_.device());
    double remembered_s = 0;
    std::int64_t rows = 0;
    for (std::size_t t = 0; t < spec_.task.tests.size(); ++t) {
      const TokenizedSplit& split = model_.data()->tests()[t];
      const Rows every = all_rows(split);
      at::Tensor features;
      if (model_.computes_features_once()) {
        const double asked = spent_s(model_.device());
        const auto computed = evaluation_features("test " + std::to_string(t), split, every);
        features = computed.values;
        remembered_s += std::max(0.0, computed.seconds - (spent_s(model_.device()) - asked));
      }
      checkpoint::TestResult result;
      result.name = spec_.task.tests[t].name;
      at::Tensor logits;
      result.predictions =
          predict(model_, split, every, features, team_, check_cancelled_, spec_.logits ? &logits : nullptr);
      if (logits.defined()) test_logits_.emplace_back(result.name, std::move(logits));
      result.labels = labels_of(split, every);
      for (const std::string& name : spec_.task.metrics) {
        result.metrics.emplace_back(name, metric(name, result.labels, result.predictions));
      }
      rows += split.rows();
      record_.tests.push_back(std::move(result));
    }
    progress_.evaluation_s += now_s() - begin;
    // Each rank of a team takes its share of the rows.
    const double spent_by_all = (spent_s(model_.device()) - spent) * team_.size() + remembered_s;
    record_.inference_rows_per_s = static_cast<double>(rows) / spent_by_all;
  }

  const double begin_s_ = now_s(), begin_cpu_s_ = cpu_seconds();
  const TrialSpec& spec_;
  Store& store_;
  const Team& team_;
  const ProgressCallbacks& callbacks_;
  const CheckCancelled check_cancelled_ = [this] {
    if (callbacks_.stop()) throw Interrupted{};
  };
  Model model_;
  Choice choice_;
  FlatParameters parameters_;
  StateSaver saver_;
  Steps steps_;
  const Metric& selection_metric_ = *find_metric(spec_.task.metrics.front());
  TrialRecord record_;
  at::Tensor selection_features_;
  std::vector<std::pair<std::string, at::Tensor>> test_logits_;  // by test set
  TrainingProgress progress_;                                    // total_s, rank_s and cpu_s: of earlier starts
  BestStep best_{progress_, selection_metric_};
};

}  // namespace

std::optional<TrialRecord> train(const TrialSpec& spec, Store& store, const Team& team,
                                 const ProgressCallbacks& callbacks, const CheckpointPolicy& checkpoints) {
  forget_peak_memory();
  if (!device_of(spec).is_cpu()) forget_device_peak();
  try {
    return Trainer(spec, store, team, callbacks, checkpoints).run();
  } catch (const std::bad_alloc&) {
    throw TrialError(TrialError::Kind::Environment, "out of memory");
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (what.find("allocate memory") != std::string::npos || what.find("out of memory") != std::string::npos) {
      throw TrialError(TrialError::Kind::Environment, "out of memory");
    }
    if (what.find("CUDA error") != std::string::npos) {
      throw TrialError(TrialError::Kind::Environment, what.substr(0, what.find('\n')));
    }
    throw;
  }
}

}  // namespace peftgrid::worker
