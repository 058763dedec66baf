#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/text.hpp"
#include "worker/tokenizer/tokenizer.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostSideFileBytes = 1 << 20;
constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{256} << 20;

std::string shape_text(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The tensors of a folder, for checking against what the model must have.
class TensorCheck {
 public:
  TensorCheck(const checkpoint::ShardedTensors& tensors, const Architecture& architecture, std::string folder)
      : tensors_(tensors), folder_(std::move(folder)) {
    for (const auto& [name, located] : tensors.tensors) {
      const auto [before, fresh] = in_file_.emplace(architecture.name_in_file(name), name);
      if (!fresh) {
        throw UsageError(fmt::format("{}: the tensors {} and {} mean the same one", folder_, in_quotes(before->second),
                                     in_quotes(name)));
      }
    }
  }

  void require(const TensorFact& fact) {
    const auto found = in_file_.find(fact.in_file);
    if (found == in_file_.end()) {
      throw UsageError(fmt::format("{}: tensor \"{}\" is missing; config.json says it has the shape {}", folder_,
                                   fact.in_file, shape_text(fact.shape)));
    }
    const auto& located = tensors_.tensors.at(found->second);
    const std::string file = tensors_.files[located.file].path().string();
    const checkpoint::TensorEntry& entry = located.entry;
    if (entry.shape != fact.shape) {
      throw UsageError(fmt::format("{}: tensor {} has the shape {}; config.json says {}", file,
                                   in_quotes(found->second), shape_text(entry.shape), shape_text(fact.shape)));
    }
    if (entry.dtype != "F32" && entry.dtype != "F16" && entry.dtype != "BF16") {
      throw UsageError(fmt::format("{}: tensor {} is of type {}; F32, F16 and BF16 are read", file,
                                   in_quotes(found->second), in_quotes(entry.dtype)));
    }
    used_.push_back(found->second);
  }

  std::string dtype(const TensorFact& fact) const { return tensors_.tensors.at(in_file_.at(fact.in_file)).entry.dtype; }
  std::vector<std::string> ignored() const {
    std::vector<std::string> names;
    for (const auto& [name, located] : tensors_.tensors) {
      if (std::ranges::find(used_, name) == used_.end()) names.push_back(name);
    }
    return names;
  }

 private:
  const checkpoint::ShardedTensors& tensors_;
  std::string folder_;
  std::map<std::string, std::string> in_file_;  // the name that the architecture has for it, to the file's
  std::vector<std::string> used_;
};

/// Does sentence-transformers' side file say that this model is read by the mean of its tokens?
bool pools_by_mean(const fs::path& folder) {
  const fs::path file = folder / "1_Pooling" / "config.json";
  std::error_code error;
  if (!fs::exists(file, error)) return false;
  const auto config = checkpoint::parse_shallow(read_whole_file(file.string(), kMostSideFileBytes));
  if (!config.is_object()) throw UsageError(file.string() + ": is not a JSON object");
  const auto mean = config.find("pooling_mode_mean_tokens");
  return mean != config.end() && mean->is_boolean() && mean->get<bool>();
}

void check_tokenizer(const fs::path& folder, BackboneFacts& facts) {
  const fs::path file = folder / "tokenizer.json";
  std::error_code error;
  if (!fs::exists(file, error)) {
    throw UsageError(
        file.string() +
        ": no such file; transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...)");
  }
  const std::string content = read_whole_file(file.string(), kMostTokenizerBytes);
  const Tokenizer tokenizer(content, facts.model.geometry.max_positions, file.string());
  const std::int64_t vocabulary = facts.model.config.vocabulary;
  if (tokenizer.vocabulary() > vocabulary) {
    throw UsageError(
        fmt::format("{}: has {} entries, but the model's embedding table has {} rows; this is another model's "
                    "tokenizer",
                    file.string(), tokenizer.vocabulary(), vocabulary));
  }
  facts.tokenizer_sha256 = checkpoint::sha256(content);
}

std::vector<std::string> names_of(const checkpoint::ShardedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, located] : tensors.tensors) names.push_back(name);
  return names;
}

BackboneFacts read_weights(const fs::path& folder, const ReadModel& read) {
  const checkpoint::ShardedTensors tensors = checkpoint::open_safetensors(folder);
  BackboneFacts facts(*read.architecture, read.config, holds_pooler(*read.architecture, names_of(tensors)));
  TensorCheck check(tensors, *read.architecture, folder.string());
  for (const TensorFact& fact : facts.model.tensors) check.require(fact);
  facts.dtype = check.dtype(facts.model.tensor("word.weight"));
  facts.ignored_tensors = check.ignored();
  std::vector<fs::path> files;
  for (const checkpoint::MappedFile& file : tensors.files) {
    facts.file_bytes += static_cast<std::int64_t>(file.bytes().size());
    files.push_back(file.path());
  }
  facts.weights_sha256 = weights_sha256(files, folder);
  return facts;
}

bool holds_weights(const fs::path& folder) {
  return checkpoint::is_there(folder / "model.safetensors") ||
         checkpoint::is_there(folder / "model.safetensors.index.json");
}

BackboneFacts without_weights(const fs::path& folder, const ReadModel& read) {
  BackboneFacts facts(*read.architecture, read.config, read.architecture->pools);
  facts.has_weights = false;
  facts.dtype = "no weights";
  // Two such folders are not to be taken for the same one.
  facts.weights_sha256 =
      "none, " + checkpoint::sha256(read_whole_file((folder / "config.json").string(), kMostSideFileBytes));
  return facts;
}

}  // namespace

BackboneFacts inspect_backbone(const std::string& path, WithoutWeights without) {
  const fs::path folder = path;
  const ReadModel read = read_model(path);
  const bool bare = without == WithoutWeights::Planned && !holds_weights(folder);
  try {
    BackboneFacts facts = bare ? without_weights(folder, read) : read_weights(folder, read);
    if (!bare || checkpoint::is_there(folder / "tokenizer.json")) check_tokenizer(folder, facts);
    facts.default_readout = pools_by_mean(folder) ? kReadsMean : kReadsPooler;
    return facts;
  } catch (const checkpoint::FileError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace peftgrid::worker
