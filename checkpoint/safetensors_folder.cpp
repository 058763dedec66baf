#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/safetensors.hpp"

namespace peftgrid::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kLargestIndex = 100'000'000;

[[noreturn]] void no_tensors(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (is_there(folder / name)) throw FileError((folder / name).string() + ": " + absence(folder / name, "file"));
  }
  if (fs::exists(folder / "pytorch_model.bin", ignored) ||
      fs::exists(folder / "pytorch_model.bin.index.json", ignored)) {
    throw FileError(
        folder.string() +
        " holds its weights only as pytorch_model.bin, which runs code when it is read; convert it once with: "
        "python3 -c \"import glob, torch; from safetensors.torch import save_file; save_file({name: tensor.clone() for "
        "file in glob.glob('" +
        folder.string() + "/pytorch_model*.bin') for name, tensor in torch.load(file, weights_only=True).items()}, '" +
        folder.string() + "/model.safetensors')\"");
  }
  throw FileError("no model.safetensors and no model.safetensors.index.json in " + folder.string());
}

/// Tensor name to shard, as the index file says.
std::map<std::string, std::string> read_weight_map(const fs::path& file) {
  const std::string text = read_plain(file, kLargestIndex, Links::Follow);
  const auto shallow = [&](int depth, json::parse_event_t, json&) {
    if (depth > 4) throw FileError(file.string() + " nests deeper than an index of shards does");
    return true;
  };
  std::map<std::string, std::string> shards;
  try {
    const json index = json::parse(text, shallow);
    for (const auto& [tensor, shard] : index.at("weight_map").items()) {
      shards.emplace(tensor, shard.get<std::string>());
    }
  } catch (const json::exception& error) {
    throw FileError(file.string() + " is not an index of shards (\"weight_map\": tensor to file): " + error.what());
  }
  if (shards.empty()) throw FileError(file.string() + ": its \"weight_map\" names no tensor");
  return shards;
}

void add_shard(ShardedTensors& all, const fs::path& file) {
  MappedFile mapped(file);
  for (auto& [name, entry] : parse_safetensors_header(mapped.bytes(), mapped.bytes().size(), file.string())) {
    const auto [at, fresh] = all.tensors.emplace(name, ShardedTensors::Located{all.files.size(), std::move(entry)});
    if (!fresh) {
      throw FileError(file.string() + " holds tensor " + name + ", and so does " +
                      all.files[at->second.file].path().string());
    }
  }
  all.files.push_back(std::move(mapped));
}

ShardedTensors open_shards(const fs::path& folder, const fs::path& index) {
  const auto weight_map = read_weight_map(index);
  ShardedTensors all;
  std::map<std::string, std::size_t> number;
  for (const auto& [tensor, shard] : weight_map) {
    if (number.contains(shard)) continue;
    // A plain name cannot lead out of the folder; a NUL would cut the path that the system sees.
    if (shard.empty() || shard == "." || shard == ".." || shard.find_first_of(std::string("/\\\0", 3)) != shard.npos) {
      throw FileError(index.string() + ": shard \"" + shard + "\" is not a file name inside the folder");
    }
    if (!fs::exists(folder / shard)) throw FileError(index.string() + " names " + shard + ", which is missing");
    number.emplace(shard, all.files.size());
    add_shard(all, folder / shard);
  }
  for (const auto& [tensor, shard] : weight_map) {
    const auto found = all.tensors.find(tensor);
    if (found == all.tensors.end() || found->second.file != number.at(shard)) {
      throw FileError(index.string() + ": tensor " + tensor + " is not in " + shard);
    }
  }
  return all;
}

}  // namespace

ShardedTensors open_safetensors(const fs::path& folder) {
  try {
    if (fs::exists(folder / "model.safetensors")) {
      ShardedTensors all;
      add_shard(all, folder / "model.safetensors");
      return all;
    }
    const fs::path index = folder / "model.safetensors.index.json";
    if (fs::exists(index)) return open_shards(folder, index);
  } catch (const fs::filesystem_error& error) {
    throw FileError(error.what());
  }
  no_tensors(folder);
}

}  // namespace peftgrid::checkpoint
