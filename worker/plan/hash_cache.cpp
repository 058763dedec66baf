#include "worker/plan/hash_cache.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/file_lock.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;
using checkpoint::FileStamp;
using nlohmann::json;

/// Below this a hash is as quick as the look-up.
constexpr std::uint64_t kWorthRemembering = 1 << 20;
constexpr std::uint64_t kMostEntryBytes = 1 << 16;

/// How a process that trains takes hashes.
struct Verifying {
  bool on = false;
  fs::path node_memory;
  std::map<std::string, std::pair<FileStamp, std::string>> hashed;  // by path, in this process
  std::mutex mutex;
};
Verifying& verifying() {
  static Verifying state;
  return state;
}

FileStamp stamp(const fs::path& file) {
  const auto now = checkpoint::stamp_of(file);
  if (!now) throw checkpoint::FileError(file.string() + ": is gone");
  return *now;
}

json key_of(const std::string& path, const FileStamp& s) {
  return {{"path", text_of_path(path)},   {"device", s.device},        {"inode", s.inode}, {"size", s.size},
          {"modified_ns", s.modified_ns}, {"changed_ns", s.changed_ns}};
}

/// So that a flipped bit of an entry is found.
std::string check_of(const json& key, const std::string& hash) {
  return checkpoint::sha256(key.dump() + hash);
}

std::optional<std::string> look_up(const fs::path& entry, const json& key) {
  if (!checkpoint::is_there(entry)) return std::nullopt;
  try {
    const std::string text = checkpoint::read_plain(entry, kMostEntryBytes, checkpoint::Links::Refuse);
    const json found = checkpoint::parse_shallow(text);
    if (!found.is_object() || found.value("key", json()) != key) return std::nullopt;
    std::string hash = found.at("sha256");
    if (found.at("check").get<std::string>() != check_of(key, hash)) return std::nullopt;
    return hash;
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const checkpoint::FileError&) {
    return std::nullopt;
  }
}

void remember(const fs::path& entry, const json& key, const std::string& hash) {
  const json body{{"key", key}, {"sha256", hash}, {"check", check_of(key, hash)}};
  try {
    checkpoint::publish_bytes_replacing(body.dump(), entry);
  } catch (const checkpoint::FileError&) {
    // It is hashed again next time.
  }
}

/// Of a file that nobody writes to meanwhile.
std::string hash_of(const fs::path& file, const FileStamp& before) {
  std::string hash = checkpoint::sha256_of_files({file});
  if (stamp(file) != before) throw checkpoint::FileError(file.string() + ": was changed while it was read");
  return hash;
}

std::string entry_name(const std::string& path) {
  return checkpoint::sha256(path).substr(0, 32) + ".json";
}

void remember_for_plans(const std::string& path, const json& key, const std::string& hash) {
  if (const auto entry = cache_file("hashes", entry_name(path))) remember(*entry, key, hash);
}

/// By whoever of this node comes first; the others wait for it and are told.
std::string hash_once_a_node(const fs::path& file, const std::string& path, const FileStamp& now,
                             const fs::path& node_memory) {
  const json key = key_of(path, now);
  const fs::path entry = node_memory / ("hash-" + entry_name(path));
  const bool alone = node_memory.empty();
  std::optional<checkpoint::FileLock> lock;
  if (!alone) {
    if (auto told = look_up(entry, key)) return *told;
    lock.emplace(entry.string() + ".lock");
    if (auto told = look_up(entry, key)) return *told;
  }
  const std::string hash = hash_of(file, now);
  if (!alone) remember(entry, key, hash);
  remember_for_plans(path, key, hash);
  return hash;
}

}  // namespace

std::optional<fs::path> cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "peftgrid";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache" / "peftgrid";
  std::error_code unknown;
  const fs::path own = fs::temp_directory_path(unknown) / fmt::format("peftgrid-cache-{}", ::geteuid());
  if (unknown || !checkpoint::make_private_folder(own)) return std::nullopt;
  return own;
}

std::optional<fs::path> cache_file(const std::string& folder, const std::string& name) {
  const auto cache = cache_folder();
  if (!cache) return std::nullopt;
  std::error_code refused;
  fs::create_directories(*cache / folder, refused);
  if (refused) return std::nullopt;
  return *cache / folder / name;
}

std::optional<std::string> trouble_with_cache() {
  const auto cache = cache_folder();
  if (!cache) return "there is none: HOME is not set, and the temporary folder of that name is not this user's alone";
  std::error_code refused;
  fs::create_directories(*cache, refused);
  if (refused) return cache->string() + ": cannot be made: " + refused.message();
  const fs::path trial = checkpoint::draft_beside(*cache / "probe");
  try {
    checkpoint::publish_bytes_replacing("probe", trial);
  } catch (const checkpoint::FileError& error) {
    return error.what();
  }
  fs::remove(trial, refused);
  return std::nullopt;
}

std::string content_sha256(const fs::path& file) {
  const FileStamp now = stamp(file);
  const std::string path = fs::weakly_canonical(file).string();
  if (verifying().on) {
    const std::lock_guard lock(verifying().mutex);
    auto& [hashed_as, hash] = verifying().hashed[path];
    if (hash.empty() || hashed_as != now) {
      hash = hash_once_a_node(file, path, now, verifying().node_memory);
      hashed_as = now;
    }
    return hash;
  }
  if (now.size < kWorthRemembering) return hash_of(file, now);
  const json key = key_of(path, now);
  if (const auto entry = cache_file("hashes", entry_name(path))) {
    if (auto hash = look_up(*entry, key)) return *hash;
  }
  std::string hash = hash_of(file, now);
  remember_for_plans(path, key, hash);
  return hash;
}

void verify_contents(const fs::path& node_memory) {
  verifying().on = true;
  verifying().node_memory = node_memory;
}

std::string weights_sha256(const std::vector<fs::path>& files, const fs::path& folder) {
  std::string hashes;
  for (const fs::path& file : files) hashes += content_sha256(file);
  return checkpoint::sha256(hashes + content_sha256(folder / "config.json"));
}

}  // namespace peftgrid::worker
