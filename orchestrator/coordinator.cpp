#include "orchestrator/coordinator.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace peftgrid::orchestrator {

namespace {

using nlohmann::json;
using worker::TrialOutcome;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Coordinator::Coordinator(collectives::Mailbox& line, int ranks, std::vector<Job> jobs, Journal& journal,
                         Display& display, std::function<bool()> stop)
    : line_(line),
      jobs_(std::move(jobs)),
      ranks_(static_cast<std::size_t>(ranks)),
      journal_(journal),
      display_(display),
      stop_(std::move(stop)),
      begin_(now_s()) {}

void Coordinator::run() {
  double heard_at = now_s();
  while (!over()) {
    bool heard = false;
    while (const auto letter = line_.poll()) {
      hear(*letter);
      heard = true;
    }
    if (!tally_.stopped && stop_()) {
      tally_.stopped = true;
      stop_since_ = now_s();
      end_all();
    }
    show(false);
    // Rank 0 trains on the same core: a thousand looks a second took 1 to 2 % of it. A tenth of the silence so far
    // keeps short trials from waiting and lets long ones be.
    if (heard) heard_at = now_s();
    const double nap_s = std::clamp((now_s() - heard_at) / 10, 1e-4, 5e-3);
    if (!heard) std::this_thread::sleep_for(std::chrono::duration<double>(nap_s));
  }
  tally_.not_run = static_cast<std::int64_t>(jobs_.size()) - tally_.done - tally_.diverged - tally_.failed;
  show(true);
}

void Coordinator::hear(const collectives::Letter& letter) {
  const worker::FromWorker message = worker::decode_from_worker(letter.text);
  Rank& rank = ranks_.at(static_cast<std::size_t>(letter.from));
  if (std::holds_alternative<worker::Ask>(message)) {
    rank.waiting = true;
    hand_out(letter.from);
  } else if (const auto* report = std::get_if<worker::Report>(&message)) {
    finished(letter.from, report->outcome);
  } else if (const auto* beat = std::get_if<worker::Heartbeat>(&message)) {
    display_.progress(letter.from, beat->step, beat->steps, beat->loss);
  }
}

void Coordinator::hand_out(int rank) {
  Rank& asking = ranks_[static_cast<std::size_t>(rank)];
  if (asking.ended) return;
  if (tally_.stopped || next_ == jobs_.size()) return end(rank);
  asking.job = &jobs_[next_++];
  asking.waiting = false;
  const worker::TrialSpec& spec = *asking.job->spec;
  journal_.note("assigned", json{{"id", spec.id}, {"rank", rank}}.dump());
  line_.send(rank, worker::encode(worker::ToWorker(worker::Assign{spec})));
  display_.started(rank, spec);
}

void Coordinator::finished(int rank, const TrialOutcome& outcome) {
  Rank& reporting = ranks_[static_cast<std::size_t>(rank)];
  const Job& job = *reporting.job;
  reporting.job = nullptr;
  json body{{"id", outcome.id}, {"rank", rank}, {"seconds", outcome.seconds}};
  if (outcome.state == TrialOutcome::State::Interrupted) {
    journal_.note("interrupted", body.dump());
    tally_.stopped = true;
    if (stop_since_ == 0) stop_since_ = now_s();
    end_all();
  } else if (outcome.state == TrialOutcome::State::Failed) {
    body["reason"] = outcome.reason;
    body["environment"] = outcome.environment;
    journal_.append("failed", body.dump(-1, ' ', false, json::error_handler_t::replace));
    ++tally_.failed;
  } else {
    journal_.append("finished", body.dump());
    ++(outcome.state == TrialOutcome::State::Done ? tally_.done : tally_.diverged);
    predicted_done_ += job.predicted_s;
    seconds_done_ += outcome.seconds;
  }
  display_.ended(rank, *job.spec, outcome);
}

void Coordinator::end(int rank) {
  ranks_[static_cast<std::size_t>(rank)].ended = true;
  line_.send(rank, worker::encode(worker::ToWorker(worker::End{})));
}

void Coordinator::end_all() {
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    if (!ranks_[r].ended) end(static_cast<int>(r));
  }
}

bool Coordinator::over() const {
  const bool all_ended =
      std::all_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.ended && r.job == nullptr; });
  return all_ended || (tally_.stopped && now_s() - stop_since_ > kStopPatience_s);
}

void Coordinator::show(bool last) {
  Overview o;
  o.done = tally_.done + tally_.diverged;
  o.failed = tally_.failed;
  o.total = static_cast<std::int64_t>(jobs_.size());
  o.elapsed_s = now_s() - begin_;
  double left = 0;
  for (std::size_t i = next_; i < jobs_.size(); ++i) left += jobs_[i].predicted_s;
  for (const Rank& r : ranks_) {
    if (r.job == nullptr) continue;
    ++o.running;
    left += r.job->predicted_s / 2;  // on average half of a running trial is left
  }
  const double truth = predicted_done_ > 0 ? seconds_done_ / predicted_done_ : 1;
  o.left_s = left * truth / static_cast<double>(ranks_.size());
  display_.show(o, last);
}

}  // namespace peftgrid::orchestrator
