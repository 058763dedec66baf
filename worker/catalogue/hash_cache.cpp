#include "worker/catalogue/hash_cache.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Below this a hash is as quick as the look-up.
constexpr off_t kWorthRemembering = 1 << 20;

std::optional<std::string> look_up(const fs::path& entry, const json& key) {
  std::ifstream in(entry);
  if (!in) return std::nullopt;
  const json found = json::parse(in, nullptr, false);
  if (!found.is_object() || found.value("key", json()) != key) return std::nullopt;
  const json hash = found.value("sha256", json());
  if (!hash.is_string() || hash.get<std::string>().size() != 64) return std::nullopt;
  return hash.get<std::string>();
}

void remember(const fs::path& entry, const json& key, const std::string& hash) {
  try {
    fs::create_directories(entry.parent_path());
    const fs::path draft = checkpoint::draft_beside(entry);
    std::ofstream(draft) << json{{"key", key}, {"sha256", hash}}.dump();
    checkpoint::publish_replacing(draft, entry);
  } catch (const fs::filesystem_error&) {
  } catch (const checkpoint::FileError&) {
  }
}

}  // namespace

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "peftgrid";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache" / "peftgrid";
  return fs::temp_directory_path() / "peftgrid-cache";
}

std::string cached_sha256(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0 || status.st_size < kWorthRemembering)
    return checkpoint::sha256_of_files({file});
  const std::string path = fs::weakly_canonical(file).string();
  const json key = {{"path", path},
                    {"size", status.st_size},
                    {"mtime_ns", status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec},
                    {"inode", status.st_ino}};
  const fs::path entry = cache_folder() / "hashes" / (checkpoint::sha256(path).substr(0, 32) + ".json");
  if (auto hash = look_up(entry, key)) return *hash;
  const std::string hash = checkpoint::sha256_of_files({file});
  remember(entry, key, hash);
  return hash;
}

}  // namespace peftgrid::worker
