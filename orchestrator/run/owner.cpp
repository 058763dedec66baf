#include "orchestrator/run/owner.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/shallow_json.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/process.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/run/claim_file.hpp"
#include "slurm/signals.hpp"
#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using nlohmann::json;

constexpr std::uint64_t kMostClaimBytes = 1 << 16;

/// A claim of another host that a command only looks at, without the time to see whether it moves.
constexpr double kSilent_s = Owner::kExpiry_s;

struct Claim {
  std::string host, boot, pid_namespace;  // what a pid means: empty in claims of older versions of the program
  std::int64_t pid = 0, start = 0, parent = 0, since = 0, beat = 0;
};

/// From 0 on, so that differences fit.
std::int64_t natural(const json& value) {
  const std::int64_t number = checkpoint::whole_number(value);
  if (number < 0) throw std::invalid_argument("no claim of ours");
  return number;
}

std::optional<Claim> parse(const std::string& text) {
  const json body = checkpoint::parse_shallow(text);
  if (!body.is_object()) return std::nullopt;
  try {
    return Claim{body.at("host"),           body.value("boot", ""),    body.value("pid_namespace", ""),
                 natural(body.at("pid")),   natural(body.at("start")), natural(body.at("parent")),
                 natural(body.at("since")), natural(body.at("beat"))};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string text_of(const Claim& c) {
  return json{{"host", c.host},   {"boot", c.boot},   {"pid_namespace", c.pid_namespace},
              {"pid", c.pid},     {"start", c.start}, {"parent", c.parent},
              {"since", c.since}, {"beat", c.beat}}
             .dump(-1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

enum class Standing { Free, Dying, Alive, Elsewhere };

/// Does a pid of that claim mean a process that can be seen from here? Hosts may share a name, containers of one host
/// their boot; what cannot be told apart is elsewhere, and expires by time.
bool is_of_this_system(const Claim& claim) {
  if (claim.boot.empty() || claim.pid_namespace.empty()) return claim.host == host_name();
  return claim.boot == boot_id() && claim.pid_namespace == pid_namespace();
}

Standing standing(const std::optional<Claim>& claim) {
  if (!claim) return Standing::Free;
  if (!is_of_this_system(*claim)) return Standing::Elsewhere;
  const auto now = process_facts(claim->pid);
  if (!now || now->start != claim->start || now->state == 'Z' || now->state == 'X') return Standing::Free;
  return now->parent == claim->parent ? Standing::Alive : Standing::Dying;
}

std::string time_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(0, seconds);
  return seconds < 120 ? fmt::format("{} s", seconds) : fmt::format("{} min", seconds / 60);
}

std::string words(const Claim& claim) {
  return fmt::format("pid {} on host {}, for {}", claim.pid, claim.host, time_text(seconds_now() - claim.since));
}

/// Takes the file if it is free (or if the claim is still `expired`, that of a host that fell silent).
std::optional<Claim> take(const std::filesystem::path& file, const std::string& mine,
                          const std::optional<std::string>& expired, Standing& how) {
  const ClaimFile locked(file);
  const auto claim = parse(locked.read());
  how = standing(claim);
  if (how != Standing::Free && !(expired && *expired == text_of(*claim))) return claim;
  locked.write(mine);
  how = Standing::Free;
  return std::nullopt;
}

/// Empty where there is none.
std::string text_of_claim(const std::filesystem::path& file) {
  if (!checkpoint::is_there(file)) return "";
  return checkpoint::read_plain(file, kMostClaimBytes, checkpoint::Links::Refuse);
}

}  // namespace

Owner::Owner(const std::filesystem::path& file) : file_(file) {
  const auto self = process_facts(getpid());
  mine_ = text_of({host_name(), boot_id(), pid_namespace(), getpid(), self ? self->start : 0, self ? self->parent : 0,
                   seconds_now(), 0});
  const auto begin = std::chrono::steady_clock::now();
  const auto waited = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  Standing how = Standing::Free;
  std::optional<std::string> seen, expired;
  bool said = false;
  while (const auto claim = take(file_, mine_, expired, how)) {
    const std::string now = text_of(*claim);
    const bool moved = seen && *seen != now;  // a beat: it lives
    seen = now;
    const bool patient = how == Standing::Dying ? waited() < kDying_s : how == Standing::Elsewhere && !moved;
    if (!patient || slurm::stop_signal() != 0) {
      throw worker::UsageError(fmt::format("{}: the run folder is in use by {}; wait for it to end, or stop it",
                                           file_.parent_path().string(), words(*claim)));
    }
    if (!said && how == Standing::Elsewhere && waited() > kBeat_s + 1) {
      complain("{}: claimed by {}; its host may be dead: taken over unless it stirs within {:.0f} s\n",
               worker::shown(file_.parent_path().string()), worker::shown(words(*claim)), kExpiry_s - waited());
      flush_output();
      said = true;
    }
    if (how == Standing::Elsewhere && waited() > kExpiry_s) expired = now;
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
      const ClaimFile locked(file_);
      const std::string text = locked.read();
      const auto own = parse(mine_);
      // Nobody's: the folder was away, and has come back without the claim.
      auto claim = text.empty() ? own : parse(text);
      lost_ = !claim || claim->host != own->host || claim->pid != own->pid || claim->start != own->start ||
              claim->pid_namespace != own->pid_namespace || claim->boot != own->boot;
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
    ClaimFile(file_).write("");
  } catch (const checkpoint::FileError&) {
    // The claim of a dead process is taken over at once.
  }
}

bool Owner::lost() const {
  return lost_;
}

std::optional<SeenOwner> seen_owner(const std::filesystem::path& file) {
  const auto claim = parse(text_of_claim(file));
  const Standing how = standing(claim);
  if (how == Standing::Free) return std::nullopt;
  SeenOwner seen{words(*claim)};
  if (how != Standing::Elsewhere) return seen;
  // Only to tell people, who can judge a clock: the file server's time of the last beat, by this machine's clock.
  struct stat facts {};
  if (stat(file.c_str(), &facts) != 0) return seen;
  const std::int64_t ago = seconds_now() - facts.st_mtim.tv_sec;
  seen.words += fmt::format(", last seen {} ago", time_text(ago));
  seen.silent = static_cast<double>(ago) > kSilent_s;
  return seen;
}

}  // namespace peftgrid::orchestrator
