#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/plan/config_notes.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/plan/pooling.hpp"
#include "worker/text.hpp"
#include "worker/tokenizer/folder_tokenizer.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostSideFileBytes = 1 << 20;

std::vector<std::string> names_of(const checkpoint::ShardedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, located] : tensors.tensors) names.push_back(name);
  return names;
}

std::string shape_text(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The tensors of a folder, for checking against what the model must have.
class TensorCheck {
 public:
  TensorCheck(const checkpoint::ShardedTensors& tensors, const Architecture& architecture, const std::string& folder)
      : tensors_(tensors), folder_(folder), in_file_(names_in_file(architecture, names_of(tensors), folder)) {}

  void require(const TensorFact& fact) {
    const auto found = in_file_.find(fact.in_file);
    if (found == in_file_.end()) {
      throw UsageError(fmt::format("{}: tensor \"{}\" is missing; config.json says it has the shape {}{}", folder_,
                                   fact.in_file, shape_text(fact.shape_in_file()), other_names()));
    }
    const auto& located = tensors_.tensors.at(found->second);
    const std::string file = tensors_.files[located.file].path().string();
    const checkpoint::TensorEntry& entry = located.entry;
    if (entry.shape != fact.shape_in_file()) {
      throw UsageError(fmt::format("{}: tensor {} has the shape {}; config.json says {}", file,
                                   in_quotes(found->second), shape_text(entry.shape),
                                   shape_text(fact.shape_in_file())));
    }
    if (entry.dtype != "F32" && entry.dtype != "F16" && entry.dtype != "BF16") {
      throw UsageError(fmt::format("{}: tensor {} is of type {}; F32, F16 and BF16 are read", file,
                                   in_quotes(found->second), in_quotes(entry.dtype)));
    }
    used_.push_back(found->second);
  }

  bool has(const std::string& in_file) const { return in_file_.contains(in_file); }
  /// Do two tensors hold the same numbers, in the same type?
  bool are_alike(const std::string& one, const std::string& other) const {
    const auto &a = tensors_.tensors.at(in_file_.at(one)), &b = tensors_.tensors.at(in_file_.at(other));
    const std::size_t bytes = a.entry.end - a.entry.begin;
    return a.entry.dtype == b.entry.dtype && bytes == b.entry.end - b.entry.begin &&
           std::memcmp(tensors_.data(a), tensors_.data(b), bytes) == 0;
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
  /// What the names look like in a file that has none of those asked for so far.
  std::string other_names() const {
    constexpr std::size_t kShown = 3;
    if (!used_.empty() || tensors_.tensors.empty()) return {};
    std::vector<std::string> names;
    for (const auto& [name, located] : tensors_.tensors) {
      if (names.size() < kShown) names.push_back(in_quotes(name));
    }
    return fmt::format("; the file's names look like {}", joined(names));
  }

  const checkpoint::ShardedTensors& tensors_;
  std::string folder_;
  std::map<std::string, std::string> in_file_;  // the name that the architecture has for it, to the file's
  std::vector<std::string> used_;
};

void append(std::vector<std::string>& notes, const std::vector<std::string>& more) {
  notes.insert(notes.end(), more.begin(), more.end());
}

/// transformers 5 goes by tokenizer.json, as here; 4 obeyed these keys in LLaMA's tokenizer.
void note_unlike_ends(const FolderTokenizer& read, const Tokenizer& tokenizer, std::vector<std::string>& notes) {
  if (!read.adds_bos && !read.adds_eos) return;
  const std::vector<std::int32_t> whole = tokenizer.encode("a", nullptr).ids, own = tokenizer.words("a");
  const auto begin = std::search(whole.begin(), whole.end(), own.begin(), own.end());  // clang 14 lacks the range's
  const bool before = begin != whole.begin(), behind = std::distance(begin, whole.end()) > std::ssize(own);
  const auto compare = [&](const char* key, std::optional<bool> stated, bool there, const char* where) {
    if (!stated || *stated == there) return;
    notes.push_back(fmt::format(
        "tokenizer_config.json: \"{}\" is {}, and tokenizer.json puts {} {} a text; the latter holds, as in "
        "transformers 5 (4 went by the former in LLaMA's tokenizer)",
        key, *stated, there ? "a token" : "none", where));
  };
  compare("add_bos_token", read.adds_bos, before, "before");
  compare("add_eos_token", read.adds_eos, behind, "behind");
}

void read_tokenizer(const fs::path& folder, BackboneFacts& facts) {
  const std::string file = (folder / "tokenizer.json").string();
  const FolderTokenizer read = read_folder_tokenizer(folder);
  const Tokenizer tokenizer(read.json, facts.model.geometry.max_positions, file);
  const std::int64_t vocabulary = facts.model.config.vocabulary;
  if (tokenizer.vocabulary() > vocabulary) {
    throw UsageError(
        fmt::format("{}: has {} entries, but the model's embedding table has {} rows; this is another model's "
                    "tokenizer",
                    file, tokenizer.vocabulary(), vocabulary));
  }
  append(facts.notes, read.notes);
  note_unlike_ends(read, tokenizer, facts.notes);
  if (const TokensBeyond beyond = tokenizer.tokens_from(vocabulary); beyond.count > 0) {
    facts.notes.push_back(
        fmt::format("tokenizer.json: {}; rows that hold one are refused", text_of(beyond, vocabulary)));
  }
  facts.tokenizer_sha256 = read.sha256;
  facts.truncation_side = read.cut == Cut::Left ? "left" : "right";
  facts.truncation_origin = read.cut_origin;
  facts.longest_row = read.longest;
  facts.longest_key = read.longest_key;
}

void read_side_files(const fs::path& folder, BackboneFacts& facts) {
  const Architecture& architecture = *facts.model.architecture;
  StatedReadout stated = stated_readout(folder, architecture.readouts.front());
  if (!stated.readout.empty() && !architecture.has_readout(stated.readout)) {
    stated.refusal =
        fmt::format("{}: {}; name one in the grid", stated.origin, no_such_readout(architecture, stated.readout));
    stated.readout.clear();
  }
  facts.default_readout = std::move(stated.readout);
  facts.readout_origin = std::move(stated.origin);
  facts.readout_refusal = std::move(stated.refusal);
  ConfigNotes config = config_notes(folder);
  facts.head_labels = std::move(config.labels);
  append(facts.notes, config.notes);
  std::error_code ignored;
  if (fs::exists(folder / "adapter_config.json", ignored))
    facts.notes.emplace_back(
        "adapter_config.json: peft's adapter beside the weights is not applied here, as transformers would; merge it "
        "into them if it belongs to the model");
  append(facts.notes, stated.notes);
}

/// What predicts next tokens: a table of its own or that of words, as config.json says, never both.
void check_output(const fs::path& folder, TensorCheck& check, BackboneFacts& facts) {
  const std::string& output = facts.model.architecture->output_in_file;
  if (output.empty()) return;
  const bool tied = facts.model.config.tied_output, there = check.has(output);
  const std::string where = (folder / "config.json").string();
  const TensorFact& words = facts.model.tensor("word.weight");
  if (tied && there && !check.are_alike(output, words.in_file)) {
    throw UsageError(fmt::format(
        "{}: \"tie_word_embeddings\" is true, and the files hold a \"{}\" unlike \"{}\"; which of the two predicts "
        "next tokens? false would be right where the former does",
        where, output, words.in_file));
  }
  if (!tied && there) check.require(facts.with_output.tensor("output.weight"));
  if (!tied && !there) {
    facts.no_output = fmt::format(
        "{}: \"tie_word_embeddings\" is not true, and the files hold no \"{}\" to predict next tokens with; true would "
        "be right where the table of words does",
        where, output);
  }
}

BackboneFacts read_weights(const fs::path& folder, const ReadModel& read) {
  const checkpoint::ShardedTensors tensors = checkpoint::open_safetensors(folder);
  BackboneFacts facts(*read.architecture, read.config, holds_pooler(*read.architecture, names_of(tensors)));
  TensorCheck check(tensors, *read.architecture, folder.string());
  for (const TensorFact& fact : facts.model.tensors) check.require(fact);
  check_output(folder, check, facts);
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

std::optional<std::string> file_ending(const fs::path& folder, const char* ending) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ending) return entry.path().filename().string();
  }
  return std::nullopt;
}

/// A model in one file of llama.cpp's, or a folder that holds one and nothing else.
void refuse_gguf(const fs::path& path) {
  const auto within = path.extension() == ".gguf" ? path.filename().string() : file_ending(path, ".gguf");
  if (!within || checkpoint::is_there(path / "config.json")) return;
  throw UsageError(
      fmt::format("{}: {} is a GGUF file, which is not read; examples/gguf_to_folder.py makes a Hugging Face "
                  "folder of a LLaMA's",
                  path.string(), *within));
}

/// Of sentence-transformers' older folders only one within is a model's.
void refuse_outer_folder(const fs::path& folder) {
  if (checkpoint::is_there(folder / "config.json")) return;
  const std::string within = model_within(folder);
  if (within.empty()) return;
  throw UsageError(fmt::format("{}: no such file; the folder's model lies in {}: name that",
                               (folder / "config.json").string(), within));
}

bool holds_weights(const fs::path& folder) {
  return checkpoint::is_there(folder / "model.safetensors") ||
         checkpoint::is_there(folder / "model.safetensors.index.json");
}

BackboneFacts without_weights(const fs::path& folder, const ReadModel& read) {
  BackboneFacts facts(*read.architecture, read.config, read.architecture->pools);
  facts.has_weights = false;
  facts.dtype = "no weights";
  facts.file_bytes = 4 * facts.with_output.parameters();  // fp32 is the largest type that is read
  // Two such folders are not to be taken for the same one.
  facts.weights_sha256 =
      "none, " + checkpoint::sha256(read_whole_file((folder / "config.json").string(), kMostSideFileBytes));
  return facts;
}

}  // namespace

std::string no_such_readout(const Architecture& architecture, const std::string& readout) {
  return fmt::format("{} is no readout of the architecture {}; it has {}", in_quotes(readout), architecture.name,
                     joined(architecture.readouts));
}

BackboneFacts inspect_backbone(const std::string& path, WithoutWeights without) {
  const fs::path folder = path;
  refuse_gguf(folder);
  refuse_outer_folder(folder);
  const ReadModel read = read_model(path);
  const bool bare = without == WithoutWeights::Planned && !holds_weights(folder);
  try {
    BackboneFacts facts = bare ? without_weights(folder, read) : read_weights(folder, read);
    read_side_files(folder, facts);
    if (!bare || checkpoint::is_there(folder / "tokenizer.json")) read_tokenizer(folder, facts);
    return facts;
  } catch (const checkpoint::FileError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace peftgrid::worker
