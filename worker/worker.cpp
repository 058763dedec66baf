#include "worker/worker.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/trial_file.hpp"
#include "worker/measure.hpp"
#include "worker/pulse.hpp"
#include "worker/trainer.hpp"

namespace peftgrid::worker {

namespace {

std::string environment(const WorkerInfo& info, const checkpoint::TrialRecord& record) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return nlohmann::json{{"program", "orchestrator"},
                        {"numerics", kNumericsVersion},
                        {"commit", info.commit},
                        {"host", info.host},
                        {"rank", info.rank},
                        {"ranks", info.ranks},
                        {"cores", info.cores},
                        {"cpu", cpu_type()},
                        {"torch", torch_version()},
                        {"mpi", info.mpi},
                        {"hdf5", checkpoint::hdf5_version()},
                        {"resumed_step", record.resumed_step},
                        {"published_at", std::chrono::duration_cast<std::chrono::seconds>(now).count()}}
      .dump();
}

/// Trains one trial and publishes it; whatever goes wrong becomes the outcome.
TrialOutcome attempt(const TrialSpec& spec, Store& store, const WorkerInfo& info, const Watch& watch) {
  TrialOutcome outcome;
  outcome.id = spec.id;
  const double begin = now_s();
  const auto failed = [&](const std::string& reason, bool by_environment) {
    outcome.state = TrialOutcome::State::Failed;
    outcome.reason = reason;
    outcome.environment = by_environment;
  };
  try {
    const Keeping keeping{info.checkpoints / (spec.id + ".safetensors"), info.checkpoint_every_s};
    checkpoint::TrialRecord record = train(spec, store, watch, keeping);
    record.environment = environment(info, record);
    checkpoint::publish_trial(info.trials / (record.id + ".h5"), record);
    std::error_code nothing_to_remove;
    std::filesystem::remove(keeping.file, nothing_to_remove);
    if (record.state == "diverged") outcome.state = TrialOutcome::State::Diverged;
    outcome.reason = record.reason;
    if (!record.tests.empty() && !record.tests[0].metrics.empty()) outcome.metric = record.tests[0].metrics[0].second;
  } catch (const Interrupted&) {
    outcome.state = TrialOutcome::State::Interrupted;
  } catch (const TrialError& error) {
    failed(error.what(), error.kind == TrialError::Kind::Environment);
  } catch (const checkpoint::FileError& error) {
    failed(error.what(), true);
  } catch (const std::exception& error) {
    failed(error.what(), false);
  }
  outcome.seconds = now_s() - begin;
  return outcome;
}

}  // namespace

void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const WorkerHooks& hooks) {
  Store store;
  Pulse pulse(coordinator, hooks);
  const Watch watch{[&] { return pulse.stop(); }, [&](const Progress& p) { pulse.progress(p); }};
  for (;;) {
    const auto order = pulse.next_order();
    if (std::holds_alternative<End>(order)) return;
    const auto& [spec, gang] = std::get<Assign>(order);
    pulse.begin(gang.number);
    const TrialOutcome outcome = attempt(spec, store, info, watch);
    if (!pulse.dissolved()) pulse.report(outcome, gang.number);
  }
}

}  // namespace peftgrid::worker
