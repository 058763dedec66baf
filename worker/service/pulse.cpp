#include "worker/service/pulse.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "worker/service/measure.hpp"

namespace peftgrid::worker {

namespace {

constexpr double kTick_s = 0.05, kBeat_s = 0.25;

void nap(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

Pulse::Pulse(collectives::Mailbox& line, const WorkerHooks& hooks)
    : line_(line), hooks_(hooks), heard_at_s_(now_s()), thread_([this](const std::stop_token& stop) { beat(stop); }) {}

std::variant<Assign, End> Pulse::next_order() {
  send(Ask{});
  for (double waited_s = 0;;) {
    {
      const std::lock_guard lock(mutex_);
      hear();
      if (!orders_.empty()) {
        auto order = std::move(orders_.front());
        orders_.pop_front();
        return order;
      }
    }
    // Short trials get their answer at once; a rank that waits for the end of others' leaves them the core.
    const double nap_s = std::clamp(waited_s / 10, 2e-5, 2e-2);
    line_.wait(nap_s);
    waited_s += nap_s;
  }
}

void Pulse::report(const TrialOutcome& outcome, std::int64_t gang) {
  send(Report{outcome, gang});
}

void Pulse::trouble(const std::string& why) {
  send(Trouble{why});
}

void Pulse::begin(std::int64_t gang) {
  ++signs_;
  step_ = steps_ = 0;
  loss_ = 0;
  patience_s_ = kPrepare_s;
  last_step_at_s_ = longest_step_s_ = 0;
  gang_ = gang;
}

bool Pulse::stop() {
  ++signs_;
  return ended_ || dissolved() || hooks_.stop();
}

void Pulse::progress(const Progress& progress) {
  const double now = now_s();
  if (last_step_at_s_ > 0) longest_step_s_ = std::max(longest_step_s_, now - last_step_at_s_);
  last_step_at_s_ = now;
  patience_s_ = std::max(kLeastPatience_s, kPatienceInSteps * longest_step_s_);
  step_ = progress.step;
  steps_ = progress.steps;
  loss_ = progress.loss;
  // The next beat might already be of a later step.
  if (std::isnan(progress.loss)) send(Heartbeat{step_, steps_, loss_, signs_, patience_s_});
}

void Pulse::send(const FromWorker& message) {
  const std::lock_guard lock(mutex_);
  line_.send(0, encode(message));
}

/// With the mutex held.
void Pulse::hear() {
  while (const auto letter = line_.poll()) {
    heard_at_s_ = now_s();
    ToWorker message = decode_to_worker(letter->text);
    if (auto* assign = std::get_if<Assign>(&message)) {
      orders_.emplace_back(std::move(*assign));
    } else if (const auto* dissolve = std::get_if<Dissolve>(&message)) {
      // That of an older gang, which this rank had left, takes nothing back.
      dissolved_ = std::max(dissolved_.load(), dissolve->gang);
    } else if (const auto* end = std::get_if<End>(&message)) {
      if (end->leave) hooks_.leave();
      ended_ = true;
      orders_.emplace_back(*end);
    }
  }
}

void Pulse::beat(const std::stop_token& stop) {
  double sent_at_s = 0, ticked_at_s = now_s();
  while (!stop.stop_requested()) {
    nap(kTick_s);
    const double now = now_s();
    const std::lock_guard lock(mutex_);
    // A process that was stopped, or a machine that slept, heard nothing in that time and blames nobody for it.
    if (now - ticked_at_s > 1) heard_at_s_ += now - ticked_at_s;
    ticked_at_s = now;
    hear();
    if (now - sent_at_s >= kBeat_s) {
      line_.send(0, encode(FromWorker(Heartbeat{step_, steps_, loss_, signs_, patience_s_})));
      sent_at_s = now;
      if (!ended_ && hooks_.coordinator_died()) hooks_.abandoned();
    }
    if (!ended_ && now - heard_at_s_ > kCoordinatorSilence_s) hooks_.abandoned();
  }
}

}  // namespace peftgrid::worker
