#include "worker/worker.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/trial_file.hpp"
#include "worker/measure.hpp"
#include "worker/pulse.hpp"
#include "worker/trainer.hpp"

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
                        {"cpu", cpu_type()},
                        {"torch", torch_version()},
                        {"mpi", info.mpi},
                        {"hdf5", checkpoint::hdf5_version()},
                        {"resumed_step", record.resumed_step},
                        {"published_at", std::chrono::duration_cast<std::chrono::seconds>(now).count()}}
      .dump();
}

void publish(const checkpoint::TrialRecord& record, const WorkerInfo& info) {
  const auto file = info.trials / (record.id + ".h5");
  const auto draft = checkpoint::draft_beside(file);
  checkpoint::write_trial(draft, record);
  checkpoint::publish(draft, file);
}

/// The ranks of a gang, once all of them are there.
Team gather_team(const Gang& gang, const WorkerHooks& hooks, const Watch& watch) {
  if (gang.ranks.size() == 1) return {};
  constexpr double kConnect_s = 60;
  try {
    return {hooks.make_gang(gang.ranks, gang.number, {"connecting the ranks that share it", kConnect_s, watch.stop}),
            watch.stop};
  } catch (const collectives::CommError& error) {
    if (watch.stop()) throw Interrupted{};
    throw TrialError(TrialError::Kind::Environment, error.what());
  }
}

/// What a rank has to tell of a trial: nothing where another one of its gang leads, and all went well.
using Told = std::optional<TrialOutcome>;

Told train_and_publish(const Assign& order, Store& store, const WorkerInfo& info, const WorkerHooks& hooks,
                       const Watch& watch) {
  const TrialSpec& spec = order.spec;
  const Team team = gather_team(order.gang, hooks, watch);
  const Keeping keeping{info.checkpoints / (spec.id + ".safetensors"), info.checkpoint_every_s};
  std::optional<checkpoint::TrialRecord> record = train(spec, store, team, watch, keeping);
  if (!record) return std::nullopt;
  record->environment = environment(info, team, *record);
  publish(*record, info);
  std::error_code nothing_to_remove;
  std::filesystem::remove(keeping.file, nothing_to_remove);
  TrialOutcome outcome;
  if (record->state == "diverged") outcome.state = TrialOutcome::State::Diverged;
  outcome.reason = record->reason;
  if (!record->tests.empty() && !record->tests[0].metrics.empty()) outcome.metric = record->tests[0].metrics[0].second;
  return outcome;
}

/// Trains one trial and publishes it; whatever goes wrong becomes the outcome.
Told attempt(const Assign& order, Store& store, const WorkerInfo& info, const WorkerHooks& hooks, const Watch& watch) {
  const double begin = now_s();
  Told told;
  const auto failed = [&](const std::string& reason, bool by_environment) {
    told.emplace();
    told->state = TrialOutcome::State::Failed;
    told->reason = reason;
    told->environment = by_environment;
  };
  try {
    told = train_and_publish(order, store, info, hooks, watch);
  } catch (const Interrupted&) {
    told.emplace().state = TrialOutcome::State::Interrupted;
  } catch (const TrialError& error) {
    failed(error.what(), error.kind == TrialError::Kind::Environment);
  } catch (const checkpoint::FileError& error) {
    failed(error.what(), true);
  } catch (const std::exception& error) {
    failed(error.what(), false);
  }
  if (!told) return told;
  told->id = order.spec.id;
  told->seconds = now_s() - begin;
  return told;
}

/// Of a gang that was dissolved meanwhile, only a result that is already there is worth telling.
bool worth_telling(const TrialOutcome& outcome, const Pulse& pulse) {
  return !pulse.dissolved() || outcome.state == TrialOutcome::State::Done ||
         outcome.state == TrialOutcome::State::Diverged;
}

}  // namespace

void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const WorkerHooks& hooks) {
  Store store;
  Pulse pulse(coordinator, hooks);
  const Watch watch{[&] { return pulse.stop(); }, [&](const Progress& p) { pulse.progress(p); }};
  for (;;) {
    const auto order = pulse.next_order();
    if (std::holds_alternative<End>(order)) return;
    const auto& assigned = std::get<Assign>(order);
    pulse.begin(assigned.gang.number);
    const Told told = attempt(assigned, store, info, hooks, watch);
    if (told && worth_telling(*told, pulse)) pulse.report(*told, assigned.gang.number);
  }
}

}  // namespace peftgrid::worker
