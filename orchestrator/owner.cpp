#include "orchestrator/owner.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/errors.hpp"
#include "orchestrator/launch.hpp"
#include "orchestrator/process.hpp"
#include "worker/errors.hpp"

namespace peftgrid::orchestrator {

namespace {

using nlohmann::json;

struct Claim {
  std::string host;
  std::int64_t pid = 0, start = 0, parent = 0, since = 0, beat = 0;
};

std::optional<Claim> parse(const std::string& text) {
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return std::nullopt;
  try {
    return Claim{body.at("host"),   body.at("pid"),   body.at("start"),
                 body.at("parent"), body.at("since"), body.at("beat")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string text_of(const Claim& c) {
  return json{{"host", c.host},     {"pid", c.pid},     {"start", c.start},
              {"parent", c.parent}, {"since", c.since}, {"beat", c.beat}}
             .dump() +
         "\n";
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The owner file, open and locked against other processes for as long as this object lives.
class LockedFile {
 public:
  explicit LockedFile(const std::filesystem::path& path)
      : path_(path), file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0 || flock(file_, LOCK_EX) != 0) {
      throw checkpoint::FileError(fmt::format("{}: cannot be opened and locked ({}); the run folder must be writable",
                                              path.string(), std::strerror(errno)));
    }
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;
  ~LockedFile() { close(file_); }

  std::string read() const {
    std::string text(4096, '\0');
    const ssize_t size = pread(file_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  void write(const std::string& text) const {
    // Written over and then cut: on a full disk a file that was emptied first would stay empty.
    const auto size = static_cast<ssize_t>(text.size());
    if (pwrite(file_, text.data(), text.size(), 0) != size || ftruncate(file_, size) != 0 || fsync(file_) != 0) {
      throw checkpoint::FileError(fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(errno)));
    }
  }

 private:
  std::filesystem::path path_;
  int file_;
};

enum class Standing { Free, Dying, Alive, Elsewhere };

Standing standing(const std::optional<Claim>& claim) {
  if (!claim) return Standing::Free;
  if (claim->host != host_name()) return Standing::Elsewhere;
  const auto now = process_facts(claim->pid);
  if (!now || now->start != claim->start || now->state == 'Z' || now->state == 'X') return Standing::Free;
  return now->parent == claim->parent ? Standing::Alive : Standing::Dying;
}

std::string words(const Claim& claim) {
  const std::int64_t age = std::max<std::int64_t>(0, seconds_now() - claim.since);
  const std::string time = age < 120 ? fmt::format("{} s", age) : fmt::format("{} min", age / 60);
  return fmt::format("pid {} on host {}, for {}", claim.pid, claim.host, time);
}

/// Takes the file if it is free (or if the claim is still `expired`, that of a host that fell silent).
std::optional<Claim> take(const std::filesystem::path& file, const std::string& mine,
                          const std::optional<std::string>& expired, Standing& how) {
  const LockedFile locked(file);
  const std::string text = locked.read();
  const auto claim = parse(text);
  how = standing(claim);
  if (how != Standing::Free && !(expired && *expired == text)) return claim;
  locked.write(mine);
  how = Standing::Free;
  return std::nullopt;
}

}  // namespace

Owner::Owner(const std::filesystem::path& file) : file_(file) {
  const auto self = process_facts(getpid());
  mine_ = text_of({host_name(), getpid(), self ? self->start : 0, self ? self->parent : 0, seconds_now(), 0});
  const auto begin = std::chrono::steady_clock::now();
  auto waited = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  Standing how = Standing::Free;
  std::string seen;
  double seen_since = 0;
  std::optional<std::string> expired;
  while (const auto claim = take(file_, mine_, expired, how)) {
    const std::string now = text_of(*claim);
    if (now != seen) seen_since = waited();
    seen = now;
    const bool patient = (how == Standing::Dying && waited() < kDying_s) || how == Standing::Elsewhere;
    if (!patient || (how == Standing::Elsewhere && seen_since > 0)) {
      throw worker::UsageError(fmt::format("{}: the run folder is in use by {}; wait for it to end, or stop it",
                                           file_.parent_path().string(), words(*claim)));
    }
    if (how == Standing::Elsewhere && waited() - seen_since > kExpiry_s) expired = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  beating_ = std::jthread([this](const std::stop_token& stop) { beat(stop); });
}

void Owner::beat(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  for (std::unique_lock lock(mutex); !stop.stop_requested();) {
    wake.wait_for(lock, stop, std::chrono::duration<double>(kBeat_s), [] { return false; });
    if (stop.stop_requested()) return;
    try {
      const LockedFile locked(file_);
      const std::string text = locked.read();
      const auto own = parse(mine_);
      // Nobody's: the folder was away, and has come back without the claim.
      auto claim = text.empty() ? own : parse(text);
      lost_ = !claim || claim->host != own->host || claim->pid != own->pid || claim->start != own->start;
      if (lost_) return;
      ++claim->beat;
      locked.write(text_of(*claim));
    } catch (const checkpoint::FileError&) {
      // A full disk stops the beat, not the run; what cannot be published is reported by the trial that it hits.
    }
  }
}

Owner::~Owner() {
  beating_.request_stop();
  beating_.join();
  if (lost_) return;
  try {
    LockedFile(file_).write("");
  } catch (const checkpoint::FileError&) {
    // The claim of a dead process is taken over at once.
  }
}

bool Owner::lost() const {
  return lost_;
}

std::string living_owner(const std::filesystem::path& file) {
  std::ifstream in(file);
  const auto claim = parse(std::string(std::istreambuf_iterator<char>(in), {}));
  return !claim || standing(claim) == Standing::Free ? "" : words(*claim);
}

}  // namespace peftgrid::orchestrator
