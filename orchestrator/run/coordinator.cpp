#include "orchestrator/run/coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "collectives/group.hpp"
#include "orchestrator/clock.hpp"

namespace peftgrid::orchestrator {

namespace {

using nlohmann::json;
using worker::ToWorker;
using worker::TrialOutcome;

constexpr int kNobody = -1;

std::vector<Job> scheduled(const std::vector<Coordinator::Job>& jobs) {
  std::vector<Job> all;
  for (const Coordinator::Job& job : jobs) all.push_back({job.spec->width, job.predicted_s});
  return all;
}

}  // namespace

Coordinator::Coordinator(collectives::Mailbox& line, Peers& peers, std::vector<Job> jobs, Journal& journal,
                         Display& display, Hooks hooks)
    : line_(line),
      peers_(peers),
      jobs_(std::move(jobs)),
      scheduler_(scheduled(jobs_), peers.size()),
      liveness_(peers.size(), now_s()),
      ranks_(static_cast<std::size_t>(peers.size())),
      journal_(journal),
      display_(display),
      hooks_(std::move(hooks)),
      storage_(journal, display, hooks_.wait_for_storage),
      begin_s_(now_s()) {
  for (std::size_t job = 0; job < jobs_.size(); ++job) job_of_[jobs_[job].spec->id] = job;
}

void Coordinator::run() {
  double heard_at = now_s(), looked_at = now_s();
  while (!over()) {
    bool heard = false;
    while (const auto letter = line_.poll()) {
      hear(*letter);
      heard = true;
    }
    // Letters that waited while this process was stopped have been heard by now.
    if (now_s() - looked_at > 1) liveness_.slept(now_s() - looked_at);
    looked_at = now_s();
    look_for_losses();
    if (!no_trial_left() && !stopped_ && hooks_.stop()) stop();
    // Ranks first: whoever reported asks for the next trial in the same breath, and trains while the disk works.
    storage_.sync(!heard);
    if (storage_.ends_run() && !stopped_) stop();
    if (no_trial_left() && !ranks_[0].ended && (storage_.all_synced() || hooks_.stop())) {
      show(true);  // what rank 0 prints now, report and table, stays below it
      end(0);
    }
    if (storage_.all_synced() || storage_.troubled()) show(false);
    // Rank 0 trains on the same core: a thousand looks a second took 1 to 2 % of it. A twentieth of the silence so far
    // keeps short trials from waiting and lets long ones be. Letters of its own worker wake it up at once.
    if (heard) heard_at = now_s();
    constexpr double kShortest_s = 5e-5, kLongest_s = 5e-3;
    const double nap_s =
        peers_.size() == 1 ? kLongest_s : std::clamp((now_s() - heard_at) / 20, kShortest_s, kLongest_s);
    if (!heard) line_.wait(nap_s);
  }
  storage_.sync(true);
  end_all();
  tally_.not_run = static_cast<std::int64_t>(jobs_.size()) - tally_.done - tally_.diverged - tally_.failed;
  show(true);
}

void Coordinator::send(int rank, const ToWorker& message) {
  line_.send(rank, worker::encode(message));
}

void Coordinator::hear(const collectives::Letter& letter) {
  const worker::FromWorker message = worker::decode_from_worker(letter.text);
  if (ranks_.at(static_cast<std::size_t>(letter.from)).lost) {
    // It was taken for dead, and its trial is another's now.
    if (const auto* report = std::get_if<worker::Report>(&message)) finished_late(report->outcome);
    return send(letter.from, worker::End{true});
  }
  liveness_.heard(letter.from, now_s());
  if (std::holds_alternative<worker::Ask>(message)) {
    ranks_[static_cast<std::size_t>(letter.from)].gang.reset();
    liveness_.working(letter.from, false, now_s());
    display_.idle(letter.from);
    start(scheduler_.ready(letter.from, now_s()));
  } else if (const auto* report = std::get_if<worker::Report>(&message)) {
    finished(letter.from, *report);
  } else if (const auto* beat = std::get_if<worker::Heartbeat>(&message)) {
    liveness_.beat(letter.from, beat->signs, beat->patience_s, now_s());
    if (beat->step > 0) display_.progress(letter.from, beat->step, beat->steps, beat->loss);
  } else if (const auto* trouble_there = std::get_if<worker::Trouble>(&message)) {
    storage_.trouble(letter.from, trouble_there->why);
  }
}

void Coordinator::start(const std::vector<Scheduler::Start>& starts) {
  for (const Scheduler::Start& chosen : starts) {
    if (stopped_) return;
    const worker::TrialSpec& spec = *jobs_[chosen.job].spec;
    const worker::Gang gang{next_gang_++, chosen.ranks};
    gangs_[gang.number] = {chosen.job, chosen.ranks, now_s()};
    estimate_end();
    journal_.note(
        "assigned",
        json{{"id", spec.id}, {"rank", chosen.ranks.front()}, {"ranks", chosen.ranks}, {"left", end_.left_s(now_s())}}
            .dump());
    const worker::Assign order{spec, worker::to_json(spec), gang};
    for (const int rank : chosen.ranks) {
      ranks_[static_cast<std::size_t>(rank)].gang = gang.number;
      liveness_.working(rank, true, now_s());
      send(rank, order);
      display_.started(rank, spec);
    }
  }
}

void Coordinator::finished(int rank, const worker::Report& report) {
  const auto gang = gangs_.find(report.gang);
  if (gang == gangs_.end()) return finished_late(report.outcome);
  const std::size_t job = gang->second.job;
  const bool succeeded =
      report.outcome.state == TrialOutcome::State::Done || report.outcome.state == TrialOutcome::State::Diverged;
  // A rank that fails leaves the others of its gang waiting for it.
  if (!succeeded) dissolve(report.gang, rank);
  const std::vector<int> ranks = gang->second.ranks;
  gangs_.erase(gang);
  if (report.outcome.state == TrialOutcome::State::Interrupted) {
    journal_.note("interrupted", json{{"id", report.outcome.id}, {"rank", rank}}.dump());
    scheduler_.returned(job, now_s());
    display_.ended(rank, *jobs_[job].spec, report.outcome);
    if (!report.outcome.reason.empty() && !stopped_) display_.note("the run ends: " + report.outcome.reason);
    if (!stopped_) stop();
    return;
  }
  scheduler_.ended(job, now_s());
  record(job, ranks, report.outcome);
}

/// `ranks`: those that did it; empty: nobody knows any more.
void Coordinator::record(std::size_t job, const std::vector<int>& ranks, const TrialOutcome& outcome) {
  const int leader = ranks.empty() ? 0 : ranks.front();
  if (outcome.state != TrialOutcome::State::Failed) {
    end_.finished(jobs_[job].predicted_s, outcome.seconds);
  }
  estimate_end();
  json body{{"id", outcome.id},
            {"rank", leader},
            {"seconds", outcome.seconds},
            {"ranks", ranks.size()},
            {"left", end_.left_s(now_s())}};
  if (outcome.state == TrialOutcome::State::Failed) {
    body["reason"] = outcome.reason;
    body["environment"] = outcome.environment;
    storage_.keep("failed", body.dump(-1, ' ', false, json::error_handler_t::replace));
    ++tally_.failed;
  } else {
    storage_.keep("finished", body.dump());
    ++(outcome.state == TrialOutcome::State::Done ? tally_.done : tally_.diverged);
  }
  display_.ended(leader, *jobs_[job].spec, outcome);
}

/// A rank that was given up, or whose gang was, had finished after all: its file is there, so nobody need start again,
/// and whoever has may stop.
void Coordinator::finished_late(const TrialOutcome& outcome) {
  const auto found = job_of_.find(outcome.id);
  if (found == job_of_.end() || !hooks_.is_published(outcome.id)) return;
  const std::size_t job = found->second;
  if (scheduler_.waiting().contains(job)) {
    scheduler_.dropped(job);
    return record(job, {}, outcome);
  }
  const auto gang = std::ranges::find_if(gangs_, [&](const auto& running) { return running.second.job == job; });
  if (gang == gangs_.end()) return;
  dissolve(gang->first, kNobody);
  gangs_.erase(gang);
  scheduler_.ended(job, now_s());
  record(job, {}, outcome);
}

void Coordinator::dissolve(std::int64_t gang, int but_rank) {
  for (const int rank : gangs_.at(gang).ranks) {
    if (rank != but_rank) send(rank, worker::Dissolve{gang});
  }
}

void Coordinator::look_for_losses() {
  for (const int rank : peers_.newly_dead()) lose(rank, "died");
  for (const Liveness::Verdict& verdict : liveness_.overdue(now_s())) lose(verdict.rank, verdict.why);
  if (now_s() - alive_sent_s_ < kAlive_s) return;
  alive_sent_s_ = now_s();
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!ranks_[rank].lost && !ranks_[rank].ended) send(static_cast<int>(rank), worker::Alive{});
  }
}

void Coordinator::lose(int rank, const std::string& why) {
  Rank& gone = ranks_[static_cast<std::size_t>(rank)];
  if (gone.ended || gone.lost) return;
  if (rank == 0) throw collectives::CommError("the worker of rank 0 " + why + "; the same command goes on");
  gone.lost = true;
  ++tally_.lost_ranks;
  liveness_.forget(rank);
  storage_.trouble(rank, "");
  // One that only sleeps must not wake up beside its successor; on another host it is told to leave when it does.
  peers_.kill(rank);
  send(rank, worker::End{true});
  json body{{"rank", rank}, {"host", peers_.process(rank).host}, {"why", why}};
  const auto gang = gone.gang ? gangs_.find(*gone.gang) : gangs_.end();
  if (gang != gangs_.end()) body["id"] = jobs_[gang->second.job].spec->id;
  storage_.keep("lost", body.dump(-1, ' ', false, json::error_handler_t::replace));
  display_.lost(rank, peers_.process(rank).host, why);
  const bool had_job = gang != gangs_.end();
  const std::size_t job = had_job ? gang->second.job : 0;
  if (had_job) {
    dissolve(gang->first, rank);
    gangs_.erase(gang);
  }
  scheduler_.lost(rank, now_s());
  if (had_job) reconsider(job, why);
  if (!stopped_) start(scheduler_.starts(now_s()));
}

/// A job whose rank was lost: it may have been published just before, or may be what kills ranks.
void Coordinator::reconsider(std::size_t job, const std::string& why) {
  Job& lost = jobs_[job];
  TrialOutcome outcome;
  outcome.id = lost.spec->id;
  if (hooks_.is_published(outcome.id)) {
    outcome.metric = std::nan("");
    outcome.reason = "finished by a rank that was lost since";
    scheduler_.dropped(job);
    return record(job, {}, outcome);
  }
  if (++lost.deaths < kDeaths) return;
  scheduler_.dropped(job);
  outcome.state = TrialOutcome::State::Failed;
  outcome.reason = fmt::format("{} ranks were lost while they worked on it, the last one {}", lost.deaths, why);
  outcome.environment = true;
  record(job, {}, outcome);
}

void Coordinator::stop() {
  stopped_ = true;
  stop_since_s_ = now_s();
  end_all();
}

void Coordinator::end(int rank) {
  Rank& ending = ranks_[static_cast<std::size_t>(rank)];
  if (ending.ended || ending.lost) return;
  ending.ended = true;
  liveness_.forget(rank);
  send(rank, worker::End{rank > 0 && tally_.lost_ranks > 0});
}

void Coordinator::end_all() {
  for (std::size_t r = 0; r < ranks_.size(); ++r) end(static_cast<int>(r));
}

bool Coordinator::no_trial_left() const {
  return scheduler_.all_over();
}

bool Coordinator::over() const {
  if (!stopped_) return no_trial_left() && dismissed_;
  return gangs_.empty() || now_s() - stop_since_s_ > kStopPatience_s;
}

void Coordinator::estimate_end() {
  const double now = now_s();
  if (!scheduler_.waiting().empty() && end_.is_fresh(now)) return;
  std::vector<EndEstimate::Waiting> waiting;
  for (const std::size_t job : scheduler_.waiting()) {
    waiting.push_back({jobs_[job].predicted_s, static_cast<double>(jobs_[job].spec->width)});
  }
  std::vector<EndEstimate::Running> running;
  for (const auto& [number, gang] : gangs_) {
    running.push_back({jobs_[gang.job].predicted_s, static_cast<double>(gang.ranks.size()), gang.since_s});
  }
  end_.look(waiting, running, static_cast<double>(ranks_.size()) - static_cast<double>(tally_.lost_ranks), now);
}

void Coordinator::show(bool last) {
  if (display_ended_) return;
  display_ended_ = last;
  if (end_.left_s(now_s()) == 0) estimate_end();
  Overview o;
  o.done = tally_.done + tally_.diverged;
  o.failed = tally_.failed;
  o.total = static_cast<std::int64_t>(jobs_.size());
  o.running = static_cast<std::int64_t>(gangs_.size());
  o.elapsed_s = now_s() - begin_s_;
  o.left_s = end_.left_s(now_s());
  display_.show(o, last);
}

}  // namespace peftgrid::orchestrator
