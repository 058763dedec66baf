#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

namespace peftgrid::orchestrator {

/// The right to write to a run folder: one running owner at a time (product.md, "One owner"). On the same host a claim
/// is pid and start time: a dead one is taken over at once, a dying one (its mpirun is gone) is waited for, up to 5 s.
/// A claim from another host expires when its beat has not moved for kExpiry_s; clocks are never compared.
class Owner {
 public:
  static constexpr double kDying_s = 5, kBeat_s = 5, kExpiry_s = 30;

  /// Takes the folder, or throws worker::UsageError naming host, pid and age of the owner.
  explicit Owner(const std::filesystem::path& file);
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  /// Gives it back: the file becomes empty.
  ~Owner();
  /// Another process has taken the folder meanwhile (this one was stopped for long): nothing may be written any more.
  bool lost() const;

 private:
  void beat(const std::stop_token& stop);
  std::filesystem::path file_;
  std::string mine_;  // without the beat
  std::atomic<bool> lost_{false};
  std::jthread beating_;
};

/// Who owns a run folder now, in words ("rank 0 on host a, pid 12, for 3 min"), or empty: nobody, or a dead process.
std::string living_owner(const std::filesystem::path& file);

}  // namespace peftgrid::orchestrator
