#include "worker/tasks/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "checkpoint/errors.hpp"
#include "checkpoint/file_lock.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/text.hpp"
#include "worker/tokenizer/tokenizer.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostIds = 1 << 20;
constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{256} << 20;
constexpr int kFormat = 2;

// The file: magic, its own size, number of splits, SHA-256 of its key (what it was made of) and the rest; then for each
// split the number of rows and of tokens, offsets, labels, ids, types and truncation marks, each filled up to 8 bytes.
constexpr std::string_view kMagic = "PGTOKEN1";
constexpr std::size_t kHashBytes = 64;
constexpr std::size_t kHeaderBytes = 24 + kHashBytes;

std::string hash_of(std::string_view key, std::string_view rest) {
  return checkpoint::sha256(checkpoint::sha256(key) + checkpoint::sha256(rest));
}

template <typename Value>
void append(std::string& bytes, const std::vector<Value>& values) {
  if (!values.empty()) bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
  bytes.append((8 - bytes.size() % 8) % 8, '\0');
}

void append_number(std::string& bytes, std::uint64_t value) {
  append(bytes, std::vector<std::uint64_t>{value});
}

void append_split(std::string& bytes, const std::vector<Example>& examples, const Tokenizer& tokenizer) {
  std::vector<std::uint64_t> offsets = {0};
  std::vector<double> labels;
  std::vector<std::int32_t> ids, types;
  std::vector<std::uint8_t> truncated;
  for (const Example& example : examples) {
    const std::string_view second = example.second;
    const Encoded row = tokenizer.encode(example.first, example.pair ? &second : nullptr);
    ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    types.insert(types.end(), row.types.begin(), row.types.end());
    truncated.push_back(row.truncated);
    labels.push_back(example.label);
    offsets.push_back(ids.size());
  }
  append_number(bytes, examples.size());
  append_number(bytes, ids.size());
  append(bytes, offsets);
  append(bytes, labels);
  append(bytes, ids);
  append(bytes, types);
  append(bytes, truncated);
}

/// Takes arrays off the front of bytes; sizes are checked against what is left.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }

  bool number(std::uint64_t& value) {
    if (bytes_.size() < 8) return false;
    std::memcpy(&value, bytes_.data(), 8);
    bytes_.remove_prefix(8);
    return true;
  }

  template <typename Value>
  bool array(std::span<const Value>& values, std::uint64_t count) {
    if (count > bytes_.size() / sizeof(Value)) return false;
    const std::uint64_t padded = (count * sizeof(Value) + 7) / 8 * 8;
    if (padded > bytes_.size()) return false;
    values = {reinterpret_cast<const Value*>(bytes_.data()), static_cast<std::size_t>(count)};
    bytes_.remove_prefix(padded);
    return true;
  }

 private:
  std::string_view bytes_;
};

bool offsets_are_sound(std::span<const std::uint64_t> offsets, std::uint64_t tokens) {
  if (offsets.front() != 0 || offsets.back() != tokens) return false;
  return std::is_sorted(offsets.begin(), offsets.end());
}

/// The largest of them, or -1 where one is below 0.
std::int32_t largest(std::span<const std::int32_t> values) {
  std::int32_t most = 0;
  for (const std::int32_t value : values) {
    if (value < 0) return -1;
    most = std::max(most, value);
  }
  return most;
}

class InMemory : public TokenizedData {
 public:
  explicit InMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  bool sound(std::string_view key) { return view(bytes_, key); }

 private:
  std::string bytes_;
};

class Mapped : public TokenizedData {
 public:
  explicit Mapped(const fs::path& file) : file_(file, checkpoint::Links::Refuse) {}
  bool sound(std::string_view key) { return view(file_.bytes(), key); }
  bool unchanged() const override { return checkpoint::stamp_of(file_.path()) == file_.stamp(); }

 private:
  checkpoint::MappedFile file_;
};

std::shared_ptr<const TokenizedData> map_if_sound(const fs::path& file, std::string_view key) {
  try {
    if (!checkpoint::is_there(file)) return nullptr;
    auto mapped = std::make_shared<Mapped>(file);
    return mapped->sound(key) ? mapped : nullptr;
  } catch (const checkpoint::FileError&) {
    return nullptr;
  }
}

/// False where the cache cannot be written: then it is left alone.
bool keep_in_cache(const std::string& bytes, const fs::path& file) {
  try {
    checkpoint::publish_bytes_replacing(bytes, file);
    return true;
  } catch (const checkpoint::FileError&) {
    return false;
  }
}

std::string key_of(const TaskSpec& task, const BackboneSpec& backbone, std::int64_t max_length) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", kFormat, task.data_sha256, backbone.tokenizer_sha256,
                                max_length, task.kind, task.format, task.header);
  for (const Column& column : task.text) key += fmt::format("text {} {}\n", column.index, column.name);
  key += fmt::format("label {} {}\n", task.label.index, task.label.name);
  for (const std::string& label : task.labels) key += fmt::format("{} {}\n", label.size(), label);
  return checkpoint::sha256(key);
}

std::string build(const TaskSpec& task, const BackboneSpec& backbone, std::int64_t max_length) {
  const std::string file = (fs::path(backbone.path) / "tokenizer.json").string();
  const std::string json = read_whole_file(file, kMostTokenizerBytes);
  if (checkpoint::sha256(json) != backbone.tokenizer_sha256) {
    throw ChangedInput(file + ": has changed since the run was planned; the same command plans anew");
  }
  const Dataset data = read_dataset(task);
  if (data_hash(task) != task.data_sha256) {
    throw ChangedInput("the files of task " + task.name +
                       " have changed since the run was planned; the same command "
                       "plans anew");
  }
  return tokenized_bytes(data, json, max_length, file, key_of(task, backbone, max_length));
}

/// What could be read when the run was planned, and cannot be now, has changed since.
std::string build_as_planned(const TaskSpec& task, const BackboneSpec& backbone, std::int64_t max_length) {
  try {
    return build(task, backbone, max_length);
  } catch (const UsageError& error) {
    throw ChangedInput(error.what());
  }
}

std::shared_ptr<const TokenizedData> find_or_build(const TaskSpec& task, const BackboneSpec& backbone,
                                                   std::int64_t max_length) {
  const std::string key = key_of(task, backbone, max_length);
  const auto file = cache_file("tokens", key + ".bin");
  if (!file) return tokenized_from(build_as_planned(task, backbone, max_length), key);
  if (auto data = map_if_sound(*file, key)) return data;
  const checkpoint::FileLock lock(file->string() + ".lock");
  if (auto data = map_if_sound(*file, key)) return data;
  std::string bytes = build_as_planned(task, backbone, max_length);
  if (keep_in_cache(bytes, *file)) {
    if (auto data = map_if_sound(*file, key)) return data;
  }
  return tokenized_from(std::move(bytes), key);
}

/// A tokenizer may number its added tokens as it likes; an id past a table would be read out of bounds.
[[noreturn]] void foreign_ids(const BackboneSpec& backbone, const ModelConfig& model) {
  throw UsageError(
      fmt::format("{}/tokenizer.json: gives ids that the model's tables of {} tokens and {} types do not have",
                  backbone.path, model.vocabulary, model.token_types));
}

}  // namespace

bool TokenizedData::view(std::string_view bytes, std::string_view key) {
  splits_.clear();
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return false;
  Reader header(bytes.substr(kMagic.size()));
  std::uint64_t size = 0, splits = 0;
  if (!header.number(size) || !header.number(splits) || size != bytes.size() || splits < 2) return false;
  const std::string_view rest = bytes.substr(kHeaderBytes);
  if (hash_of(key, rest) != bytes.substr(kHeaderBytes - kHashBytes, kHashBytes)) return false;
  Reader body(rest);
  for (; !body.at_end(); --splits) {
    std::uint64_t rows = 0, tokens = 0;
    TokenizedSplit& split = splits_.emplace_back();
    if (splits == 0 || !body.number(rows) || !body.number(tokens) || rows >= rest.size()) return false;
    if (!body.array(split.offsets_, rows + 1) || !body.array(split.labels_, rows) || !body.array(split.ids_, tokens) ||
        !body.array(split.types_, tokens) || !body.array(split.truncated_, rows)) {
      return false;
    }
    if (!offsets_are_sound(split.offsets_, tokens)) return false;
    const std::int32_t id = largest(split.ids_), type = largest(split.types_);
    if (id < 0 || type < 0) return false;
    largest_id_ = std::max(largest_id_, id);
    largest_type_ = std::max(largest_type_, type);
  }
  return splits == 0;
}

bool TokenizedData::holds(std::int32_t id) const {
  return std::ranges::any_of(
      splits_, [&](const TokenizedSplit& split) { return std::ranges::find(split.ids_, id) != split.ids_.end(); });
}

std::string tokenized_bytes(const Dataset& data, std::string_view tokenizer_json, std::int64_t max_length,
                            const std::string& where, std::string_view key) {
  const Tokenizer tokenizer(tokenizer_json, max_length, where);
  std::string bytes(kHeaderBytes, '\0');
  append_split(bytes, data.train, tokenizer);
  append_split(bytes, data.validation, tokenizer);
  for (const auto& test : data.tests) append_split(bytes, test, tokenizer);
  std::string header(kMagic);
  append_number(header, bytes.size());
  append_number(header, 2 + data.tests.size());
  header += hash_of(key, std::string_view(bytes).substr(kHeaderBytes));
  bytes.replace(0, kHeaderBytes, header);
  return bytes;
}

std::shared_ptr<const TokenizedData> tokenized_from(std::string bytes, std::string_view key) {
  auto data = std::make_shared<InMemory>(std::move(bytes));
  return data->sound(key) ? data : nullptr;
}

std::shared_ptr<const TokenizedData> tokenize(const TaskSpec& task, const BackboneSpec& backbone,
                                              std::int64_t max_length) {
  const std::shared_ptr<const TokenizedData> data = find_or_build(task, backbone, max_length);
  const ModelConfig model = read_model(backbone.path).config;
  if (!data || data->largest_id() >= model.vocabulary ||
      (model.token_types > 1 && data->largest_type() >= model.token_types)) {
    foreign_ids(backbone, model);
  }
  if (model.pads_share_a_position && data->holds(static_cast<std::int32_t>(model.pad_token))) {
    throw UsageError(fmt::format(
        "task {}: a text holds the padding token of {} (id {}), whose position such models count otherwise; "
        "leave it out of the texts",
        task.name, backbone.path, model.pad_token));
  }
  return data;
}

std::vector<std::int32_t> ids_of_text(const BackboneSpec& backbone, const std::string& text) {
  const std::string file = (fs::path(backbone.path) / "tokenizer.json").string();
  const Tokenizer tokenizer(read_whole_file(file, kMostTokenizerBytes), kMostIds, file);
  const std::vector<std::int32_t> special = tokenizer.encode("", nullptr).ids;
  std::vector<std::int32_t> ids = tokenizer.encode(text, nullptr).ids;
  const auto before = std::ranges::mismatch(special, ids).in1 - special.begin();
  const auto behind = static_cast<std::ptrdiff_t>(special.size()) - before;
  ids.erase(ids.end() - behind, ids.end());
  ids.erase(ids.begin(), ids.begin() + before);
  const ModelConfig model = read_model(backbone.path).config;
  if (largest(ids) >= model.vocabulary) foreign_ids(backbone, model);
  return ids;
}

}  // namespace peftgrid::worker
