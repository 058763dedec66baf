#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/plan/bert_config.hpp"
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

std::int64_t elements(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

/// The tensors of a folder under canonical names, for checking against what the model must have.
class TensorCheck {
 public:
  TensorCheck(const checkpoint::ShardedTensors& tensors, std::string folder)
      : tensors_(tensors), folder_(std::move(folder)) {
    for (const auto& [name, located] : tensors.tensors) {
      const std::string canonical = canonical_bert_name(name);
      const auto [before, fresh] = by_canonical_.emplace(canonical, name);
      if (!fresh) {
        throw UsageError(fmt::format("{}: the tensors {} and {} mean the same one", folder_, in_quotes(before->second),
                                     in_quotes(name)));
      }
    }
  }

  bool has(const std::string& canonical) const { return by_canonical_.contains(canonical); }

  void require(const std::string& canonical, const Shape& shape) {
    const auto found = by_canonical_.find(canonical);
    if (found == by_canonical_.end()) {
      throw UsageError(fmt::format("{}: tensor \"{}\" is missing; config.json says it has the shape {}", folder_,
                                   canonical, shape_text(shape)));
    }
    const auto& located = tensors_.tensors.at(found->second);
    const std::string file = tensors_.files[located.file].path().string();
    const checkpoint::TensorEntry& entry = located.entry;
    if (entry.shape != shape) {
      throw UsageError(fmt::format("{}: tensor {} has the shape {}; config.json says {}", file,
                                   in_quotes(found->second), shape_text(entry.shape), shape_text(shape)));
    }
    if (entry.dtype != "F32" && entry.dtype != "F16" && entry.dtype != "BF16") {
      throw UsageError(fmt::format("{}: tensor {} is of type {}; F32, F16 and BF16 are read", file,
                                   in_quotes(found->second), in_quotes(entry.dtype)));
    }
    parameters_ += elements(shape);
    used_.push_back(found->second);
  }

  std::int64_t parameters() const { return parameters_; }
  std::string dtype(const std::string& canonical) const {
    return tensors_.tensors.at(by_canonical_.at(canonical)).entry.dtype;
  }
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
  std::map<std::string, std::string> by_canonical_;
  std::vector<std::string> used_;
  std::int64_t parameters_ = 0;
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
  const Tokenizer tokenizer(content, facts.max_positions, file.string());
  if (tokenizer.vocabulary() > facts.vocabulary) {
    throw UsageError(
        fmt::format("{}: has {} entries, but the model's embedding table has {} rows; this is another model's "
                    "tokenizer",
                    file.string(), tokenizer.vocabulary(), facts.vocabulary));
  }
  facts.tokenizer_sha256 = checkpoint::sha256(content);
}

void check_tensors(const fs::path& folder, const BertConfig& config, BackboneFacts& facts) {
  const checkpoint::ShardedTensors tensors = checkpoint::open_safetensors(folder);
  TensorCheck check(tensors, folder.string());
  for (const auto& [name, shape] : bert_tensors(config)) check.require(name, shape);
  facts.has_pooler = check.has("pooler.dense.weight");
  if (facts.has_pooler) {
    for (const auto& [name, shape] : bert_pooler_tensors(config)) check.require(name, shape);
  }
  facts.parameters = check.parameters();
  facts.dtype = check.dtype("embeddings.word_embeddings.weight");
  facts.ignored_tensors = check.ignored();
  std::vector<fs::path> files;
  for (const checkpoint::MappedFile& file : tensors.files) {
    facts.file_bytes += static_cast<std::int64_t>(file.bytes().size());
    files.push_back(file.path());
  }
  facts.weights_sha256 = weights_sha256(files, folder);
}

}  // namespace

BackboneFacts inspect_backbone(const std::string& path) {
  const fs::path folder = path;
  const BertConfig config = read_bert_config(path);
  BackboneFacts facts;
  facts.architecture = "bert";
  facts.layers = config.layers;
  facts.width = config.width;
  facts.ffn_width = config.ffn_width;
  facts.heads = config.heads;
  facts.max_positions = config.max_positions;
  facts.vocabulary = config.vocabulary;
  try {
    check_tensors(folder, config, facts);
  } catch (const checkpoint::FileError& error) {
    throw UsageError(error.what());
  }
  check_tokenizer(folder, facts);
  facts.readouts = {"pooler", "cls", "mean", "last"};
  facts.default_readout = pools_by_mean(folder) ? "mean" : "pooler";
  return facts;
}

}  // namespace peftgrid::worker
