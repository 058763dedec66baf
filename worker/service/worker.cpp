#include "worker/service/worker.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "checkpoint/errors.hpp"
#include "checkpoint/reserve.hpp"
#include "checkpoint/trial_file.hpp"
#include "worker/service/measure.hpp"
#include "worker/service/pulse.hpp"
#include "worker/training/trainer.hpp"

namespace peftgrid::worker {

namespace {

std::string environment(const WorkerInfo& info, const Team& team, const checkpoint::TrialRecord& record) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return nlohmann::json{{"program", "orchestrator"},
                        {"numerics", kNumericsVersion},
                        {"commit", info.commit},
                        {"host", info.host},
                        {"rank", info.rank},
                        {"ranks", info.ranks},
                        {"trained_on", team.size()},
                        {"rank_s", record.rank_s},
                        {"cores", info.cores},
                        {"cpu", cpu_type() + (info.gpu.empty() ? "" : "; " + info.gpu)},
                        {"torch", torch_version()},
                        {"mpi", info.mpi},
                        {"hdf5", checkpoint::hdf5_version()},
                        {"resumed_step", record.resumed_step},
                        {"published_at", std::chrono::duration_cast<std::chrono::seconds>(now).count()}}
      .dump();
}

/// The ranks of a gang, once all of them are there.
Team gather_team(const Gang& gang, const WorkerHooks& hooks, const ProgressCallbacks& callbacks) {
  if (gang.ranks.size() == 1) return {};
  constexpr double kConnect_s = 60;
  try {
    return {
        hooks.make_gang(gang.ranks, gang.number, {"connecting the ranks that share it", kConnect_s, callbacks.stop}),
        callbacks.stop};
  } catch (const collectives::CommError& error) {
    if (callbacks.stop()) throw Interrupted{};
    throw TrialError(TrialError::Kind::Environment, error.what());
  }
}

/// Makes room for a finished trial on a full disk: states of unfinished ones are the first to be done without, this
/// trial's own before the others', then the reserve. False where nothing is left to give up.
bool make_room(const WorkerInfo& info, const std::string& id) {
  std::error_code error;
  if (std::filesystem::remove(info.checkpoints / (id + ".safetensors"), error)) return true;
  bool removed = false;
  for (std::filesystem::directory_iterator state(info.checkpoints, error), end; !error && state != end;
       state.increment(error)) {
    std::error_code refused;
    if (state->path().extension() == ".safetensors") removed |= std::filesystem::remove(state->path(), refused);
  }
  return removed || checkpoint::give_up_reserve(info.reserve);
}

/// About what its file takes.
std::uint64_t bytes_of(const checkpoint::TrialRecord& record) {
  std::uint64_t bytes = 1 << 16;  // spec, curve, metrics
  for (const auto& test : record.tests) bytes += test.predictions.size() * 2 * sizeof(double);
  for (const auto& tensor : record.tensors) bytes += tensor.values.size() * sizeof(float);
  return bytes;
}

bool is_full(const std::filesystem::path& folder, std::uint64_t wanted) {
  std::error_code unknown;
  const auto room = std::filesystem::space(folder, unknown);
  return !unknown && room.available < wanted;
}

/// Publishes a finished trial, which is worth hours: where the disk refuses it, it waits here, in memory, until the
/// disk takes it or the run is stopped.
void publish(const checkpoint::TrialRecord& record, const WorkerInfo& info, Pulse& pulse) {
  constexpr double kRetry_s = 0.5;
  constexpr std::chrono::milliseconds kLook(20);
  for (bool troubled = false;;) {
    try {
      checkpoint::publish_trial(info.trials / (record.id + ".h5"), record);
      if (troubled) pulse.trouble("");
      return;
    } catch (const checkpoint::FileError& error) {
      if (is_full(info.trials, bytes_of(record)) && make_room(info, record.id)) continue;
      if (!troubled) pulse.trouble(error.what());
      troubled = true;
    }
    if (!info.wait_for_storage) throw Interrupted{};
    for (const double since = now_s(); now_s() - since < kRetry_s; std::this_thread::sleep_for(kLook)) {
      if (pulse.stop()) throw Interrupted{};
    }
  }
}

/// What a rank has to tell of a trial: nothing where another one of its gang leads, and all went well.
std::optional<TrialOutcome> train_and_publish(const Assign& order, Store& store, const WorkerInfo& info,
                                              const WorkerHooks& hooks, Pulse& pulse,
                                              const ProgressCallbacks& callbacks) {
  const TrialSpec& spec = order.spec;
  store.check_unchanged(spec);
  const Team team = gather_team(order.gang, hooks, callbacks);
  const CheckpointPolicy checkpoints{info.checkpoints / (spec.id + ".safetensors"), info.checkpoint_every_s};
  std::optional<checkpoint::TrialRecord> record = train(spec, store, team, callbacks, checkpoints);
  store.check_unchanged(spec);
  if (!record) return std::nullopt;
  record->spec = order.spec_json;
  record->environment = environment(info, team, *record);
  publish(*record, info, pulse);
  std::error_code nothing_to_remove;
  std::filesystem::remove(checkpoints.file, nothing_to_remove);
  TrialOutcome outcome;
  if (record->state == "diverged") outcome.state = TrialOutcome::State::Diverged;
  outcome.reason = record->reason;
  if (!record->tests.empty() && !record->tests[0].metrics.empty()) outcome.metric = record->tests[0].metrics[0].second;
  return outcome;
}

/// Trains one trial and publishes it; whatever goes wrong becomes the outcome.
std::optional<TrialOutcome> attempt(const Assign& order, Store& store, const WorkerInfo& info, const WorkerHooks& hooks,
                                    Pulse& pulse, const ProgressCallbacks& callbacks) {
  const double begin = now_s();
  std::optional<TrialOutcome> outcome;
  const auto failed = [&](const std::string& reason, bool by_environment) {
    outcome.emplace();
    outcome->state = TrialOutcome::State::Failed;
    outcome->reason = reason;
    outcome->environment = by_environment;
  };
  try {
    outcome = train_and_publish(order, store, info, hooks, pulse, callbacks);
  } catch (const Interrupted&) {
    outcome.emplace().state = TrialOutcome::State::Interrupted;
  } catch (const ChangedInput& error) {
    outcome.emplace().state = TrialOutcome::State::Interrupted;
    outcome->reason = error.what();
  } catch (const TrialError& error) {
    failed(error.what(), error.kind == TrialError::Kind::Environment);
  } catch (const checkpoint::FileError& error) {
    failed(error.what(), true);
  } catch (const std::filesystem::filesystem_error& error) {
    failed(error.what(), true);
  } catch (const std::bad_alloc&) {
    failed("out of memory", true);
  } catch (const std::exception& error) {
    failed(error.what(), false);
  }
  if (!outcome) return outcome;
  outcome->id = order.spec.id;
  outcome->seconds = now_s() - begin;
  return outcome;
}

/// Of a gang that was dissolved meanwhile, only a result that is already there is worth telling.
bool worth_telling(const TrialOutcome& outcome, const Pulse& pulse) {
  return !pulse.dissolved() || outcome.state == TrialOutcome::State::Done ||
         outcome.state == TrialOutcome::State::Diverged;
}

}  // namespace

void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const WorkerHooks& hooks) {
  Store store(info.node_memory);
  Pulse pulse(coordinator, hooks);
  const ProgressCallbacks callbacks{[&] { return pulse.stop(); }, [&](const Progress& p) { pulse.progress(p); }};
  for (;;) {
    const auto order = pulse.next_order();
    if (std::holds_alternative<End>(order)) return;
    const auto& assigned = std::get<Assign>(order);
    pulse.begin(assigned.gang.number);
    const std::optional<TrialOutcome> outcome = attempt(assigned, store, info, hooks, pulse, callbacks);
    if (outcome && worth_telling(*outcome, pulse)) pulse.report(*outcome, assigned.gang.number);
  }
}

}  // namespace peftgrid::worker
