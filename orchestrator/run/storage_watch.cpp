#include "orchestrator/run/storage_watch.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "orchestrator/clock.hpp"

namespace peftgrid::orchestrator {

using nlohmann::json;

void StorageWatch::keep(std::string_view kind, const std::string& body) {
  journal_.note(kind, body);
  if (!unsynced_since_s_) unsynced_since_s_ = now_s();
}

void StorageWatch::sync(bool idle) {
  if (!unsynced_since_s_ || now_s() < sync_again_at_s_) return;
  if (!idle && now_s() - *unsynced_since_s_ <= kUnsynced_s) return;
  try {
    journal_.sync();
    unsynced_since_s_.reset();
    trouble(kJournal, "");
  } catch (const checkpoint::FileError& error) {
    sync_again_at_s_ = now_s() + kAgain_s;
    trouble(kJournal, error.what());
  }
}

void StorageWatch::trouble(int rank, const std::string& why) {
  if (why.empty()) {
    if (troubles_.erase(rank) == 0 || !troubles_.empty() || !troubled_since_s_) return;
    const double seconds = now_s() - *troubled_since_s_;
    troubled_since_s_.reset();
    display_.note(fmt::format("storage works again after {}; nothing was lost", duration_text(seconds)));
    return keep("storage", json{{"seconds", seconds}}.dump());
  }
  troubles_[rank] = why;
  if (troubled_since_s_) return;
  troubled_since_s_ = now_s();
  display_.note("storage: " + why +
                (wait_ ? "; what is finished waits in memory until it works again"
                       : "; the run stops, what is on disk is kept (--on-storage-trouble stop)"));
  journal_.note("storage", json{{"why", why}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace peftgrid::orchestrator
