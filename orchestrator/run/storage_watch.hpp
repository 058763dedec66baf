#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/display/display.hpp"
#include "orchestrator/run/journal.hpp"

namespace peftgrid::orchestrator {

/// When the journal's lines reach the disk, and what is said where the disk refuses them, or a rank's finished trial:
/// once, however many meet it, and once when it works again. What is refused waits in memory. One thread.
class StorageWatch {
 public:
  /// `wait`: until the disk works again; else the run is to stop.
  StorageWatch(Journal& journal, Display& display, bool wait) : journal_(journal), display_(display), wait_(wait) {}

  /// A line that is to be on disk soon.
  void keep(std::string_view kind, const std::string& body);
  /// Lines that wait for the disk go there, unless it refused them a moment ago. `idle`: nobody waits for the caller;
  /// else only when they have waited for some milliseconds.
  void sync(bool idle);
  /// Of a rank: what the disk says to its trial; empty: no trouble any longer.
  void trouble(int rank, const std::string& why);

  bool all_synced() const { return !unsynced_since_s_; }
  bool troubled() const { return troubled_since_s_.has_value(); }
  bool ends_run() const { return troubled() && !wait_; }

 private:
  static constexpr int kJournal = -1;  // beside the ranks
  static constexpr double kUnsynced_s = 5e-3, kAgain_s = 0.5;

  Journal& journal_;
  Display& display_;
  bool wait_;
  std::optional<double> unsynced_since_s_, troubled_since_s_;
  double sync_again_at_s_ = 0;
  std::map<int, std::string> troubles_;  // by rank
};

}  // namespace peftgrid::orchestrator
