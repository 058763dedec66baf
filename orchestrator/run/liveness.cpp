#include "orchestrator/run/liveness.hpp"

#include <fmt/format.h>

namespace peftgrid::orchestrator {

Liveness::Liveness(int ranks, double now_s) {
  for (int rank = 0; rank < ranks; ++rank) ranks_.push_back({.heard_at_s = now_s, .sign_at_s = now_s});
}

void Liveness::heard(int rank, double now_s) {
  ranks_[static_cast<std::size_t>(rank)].heard_at_s = now_s;
}

void Liveness::beat(int rank, std::int64_t signs, double patience_s, double now_s) {
  Rank& beating = ranks_[static_cast<std::size_t>(rank)];
  if (signs != beating.signs) beating.sign_at_s = now_s;
  beating.signs = signs;
  beating.patience_s = patience_s;
}

void Liveness::working(int rank, bool works, double now_s) {
  Rank& changed = ranks_[static_cast<std::size_t>(rank)];
  changed.works = works;
  changed.sign_at_s = now_s;
}

void Liveness::slept(double seconds) {
  for (Rank& rank : ranks_) {
    rank.heard_at_s += seconds;
    rank.sign_at_s += seconds;
  }
}

void Liveness::forget(int rank) {
  ranks_[static_cast<std::size_t>(rank)].watched = false;
}

std::vector<Liveness::Verdict> Liveness::overdue(double now_s) {
  std::vector<Verdict> verdicts;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    Rank& rank = ranks_[r];
    if (!rank.watched) continue;
    const double silent_s = now_s - rank.heard_at_s, stuck_s = now_s - rank.sign_at_s;
    std::string why;
    if (silent_s > kSilence_s) why = fmt::format("was silent for {:.0f} s", silent_s);
    if (rank.works && rank.patience_s > 0 && stuck_s > rank.patience_s) {
      why = fmt::format("made no progress for {:.0f} s", stuck_s);
    }
    if (why.empty()) continue;
    rank.watched = false;
    verdicts.push_back({static_cast<int>(r), std::move(why)});
  }
  return verdicts;
}

}  // namespace peftgrid::orchestrator
