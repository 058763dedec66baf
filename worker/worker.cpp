#include "worker/worker.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/trial_file.hpp"
#include "worker/measure.hpp"
#include "worker/messages.hpp"
#include "worker/trainer.hpp"

namespace peftgrid::worker {

namespace {

constexpr double kHeartbeat_s = 0.25;

std::string environment(const WorkerInfo& info) {
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
                        {"published_at", std::chrono::duration_cast<std::chrono::seconds>(now).count()}}
      .dump();
}

void publish(const checkpoint::TrialRecord& record, const WorkerInfo& info) {
  const auto file = info.trials / (record.id + ".h5");
  const auto draft = checkpoint::draft_beside(file);
  checkpoint::write_trial(draft, record);
  checkpoint::publish(draft, file);
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
    checkpoint::TrialRecord record = train(spec, store, watch);
    record.environment = environment(info);
    publish(record, info);
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

/// The coordinator's next letter. It answers within a millisecond, so short naps are enough.
ToWorker wait_for_letter(collectives::Mailbox& coordinator) {
  for (;;) {
    if (const auto letter = coordinator.poll()) return decode_to_worker(letter->text);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace

void work(collectives::Mailbox& coordinator, const WorkerInfo& info, const std::function<bool()>& stop) {
  Store store;
  for (;;) {
    coordinator.send(0, encode(FromWorker(Ask{})));
    const ToWorker order = wait_for_letter(coordinator);
    if (std::holds_alternative<End>(order)) return;
    const TrialSpec& spec = std::get<Assign>(order).spec;
    double last = 0;
    const Watch watch{stop, [&](const Progress& p) {
                        if (now_s() - last < kHeartbeat_s) return;
                        last = now_s();
                        coordinator.send(0, encode(FromWorker(Heartbeat{spec.id, p.step, p.steps, p.loss})));
                      }};
    coordinator.send(0, encode(FromWorker(Report{attempt(spec, store, info, watch)})));
  }
}

}  // namespace peftgrid::worker
