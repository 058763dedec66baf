#include <cstring>
#include <optional>

#include "checkpoint/sha256.hpp"
#include "worker/tasks/tokens.hpp"

/// The file of a task's token ids: how it is laid out, written, and read back.
namespace peftgrid::worker {

namespace {

// The file: magic, its own size, number of splits, SHA-256 of its key (what it was made of) and the rest; then for each
// split the numbers of rows, sequences and tokens, each row's first sequence, each sequence's first token and where its
// target tokens begin, labels, ids, types and truncation marks, each filled up to 8 bytes.
constexpr std::string_view kMagic = "PGTOKEN2";
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

void append_split(std::string& bytes, const std::vector<Example>& examples, const RowEncoder& encoder) {
  std::vector<std::uint64_t> sequences = {0}, offsets = {0};
  std::vector<double> labels;
  std::vector<std::int32_t> first_targets, ids, types;
  std::vector<std::uint8_t> truncated;
  for (const Example& example : examples) {
    const EncodedRow row = encoder.encode(example);
    for (const EncodedSequence& sequence : row.sequences) {
      ids.insert(ids.end(), sequence.ids.begin(), sequence.ids.end());
      types.insert(types.end(), sequence.types.begin(), sequence.types.end());
      first_targets.push_back(sequence.first_target);
      offsets.push_back(ids.size());
    }
    sequences.push_back(first_targets.size());
    truncated.push_back(row.truncated);
    labels.push_back(row.label);
  }
  append_number(bytes, examples.size());
  append_number(bytes, first_targets.size());
  append_number(bytes, ids.size());
  append(bytes, sequences);
  append(bytes, offsets);
  append(bytes, first_targets);
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

/// The largest of them, at least 0; nothing where one is below `least`.
std::optional<std::int32_t> largest(std::span<const std::int32_t> values, std::int32_t least) {
  std::int32_t most = 0;
  for (const std::int32_t value : values) {
    if (value < least) return std::nullopt;
    most = std::max(most, value);
  }
  return most;
}

bool targets_are_sound(std::span<const std::int32_t> first_targets, std::span<const std::uint64_t> offsets) {
  for (std::size_t i = 0; i < first_targets.size(); ++i) {
    if (first_targets[i] < 0 || static_cast<std::uint64_t>(first_targets[i]) > offsets[i + 1] - offsets[i])
      return false;
  }
  return true;
}

class InMemory : public TokenizedData {
 public:
  explicit InMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  bool sound(std::string_view key) { return view(bytes_, key); }

 private:
  std::string bytes_;
};

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
    std::uint64_t rows = 0, sequences = 0, tokens = 0;
    TokenizedSplit& split = splits_.emplace_back();
    if (splits == 0 || !body.number(rows) || !body.number(sequences) || !body.number(tokens)) return false;
    if (rows >= rest.size() || sequences >= rest.size()) return false;
    if (!body.array(split.sequences_, rows + 1) || !body.array(split.offsets_, sequences + 1) ||
        !body.array(split.first_targets_, sequences) || !body.array(split.labels_, rows) ||
        !body.array(split.ids_, tokens) || !body.array(split.types_, tokens) || !body.array(split.truncated_, rows)) {
      return false;
    }
    if (!offsets_are_sound(split.sequences_, sequences) || !offsets_are_sound(split.offsets_, tokens)) return false;
    if (!targets_are_sound(split.first_targets_, split.offsets_)) return false;
    const auto id = largest(split.ids_, -static_cast<std::int32_t>(kInsertedTokens)), type = largest(split.types_, 0);
    if (!id || !type) return false;
    largest_id_ = std::max(largest_id_, *id);
    largest_type_ = std::max(largest_type_, *type);
  }
  return splits == 0;
}

bool TokenizedData::holds(std::int32_t id) const {
  return std::ranges::any_of(
      splits_, [&](const TokenizedSplit& split) { return std::ranges::find(split.ids_, id) != split.ids_.end(); });
}

std::string tokenized_bytes(const Dataset& data, const RowEncoder& encoder, std::string_view key) {
  std::string bytes(kHeaderBytes, '\0');
  append_split(bytes, data.train, encoder);
  append_split(bytes, data.validation, encoder);
  for (const auto& test : data.tests) append_split(bytes, test, encoder);
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

}  // namespace peftgrid::worker
