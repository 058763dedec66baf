#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

namespace peftgrid::orchestrator {

/// The right to write to a run folder: one running owner at a time (docs/architecture.md, "Owner"). On the same host a
/// claim is pid and start time: a dead one is taken over at once, a dying one (its mpirun is gone) is waited for, up to
/// 5 s. The same host is the same boot and the same PID namespace. A claim from anywhere else is watched: it is refused
/// as soon as its beat moves, and taken over when it has not moved for kExpiry_s; clocks are never compared.
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

struct SeenOwner {
  std::string words;    // "pid 12 on host a, for 3 min"; of another host also ", last seen 4 s ago"
  bool silent = false;  // of another host, and not seen for longer than a claim holds: may be dead
};
/// Who owns a run folder now; nothing: nobody, or a dead process. Throws checkpoint::FileError where the claim is no
/// plain file.
std::optional<SeenOwner> seen_owner(const std::filesystem::path& file);

}  // namespace peftgrid::orchestrator
