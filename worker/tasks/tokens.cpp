#include "worker/tasks/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/file_lock.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"
#include "worker/plan/hash_cache.hpp"
#include "worker/text.hpp"
#include "worker/tokenizer/folder_tokenizer.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostIds = 1 << 20;
constexpr int kFormat = 4;

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

bool is_causal(const BackboneSpec& backbone) {
  const ReadModel read = read_model(backbone.path);
  return read.architecture->geometry(read.config, false).causal;
}

std::string key_of(const TaskSpec& task, const BackboneSpec& backbone, std::int64_t max_length) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", kFormat, task.data_sha256, backbone.tokenizer_sha256,
                                max_length, task.kind, task.format, task.header);
  for (const Column& column : task.text) key += fmt::format("text {} {}\n", column.index, column.name);
  key += fmt::format("label {} {}\n", task.label.index, task.label.name);
  for (const std::string& label : task.labels) key += fmt::format("{} {}\n", label.size(), label);
  // What there was no choice of at first leaves the key as it was.
  if (!task.delimiter.empty()) key += fmt::format("delimiter {}\n", task.delimiter);
  if (backbone.truncation_side != "right") key += fmt::format("cut {}\n", backbone.truncation_side);
  if (backbone.input != kInputPlain) key += fmt::format("input {} {}\n", backbone.input, task.symmetric);
  for (const Column& column : task.choices) key += fmt::format("choice {} {}\n", column.index, column.name);
  if (!task.text_template.empty())
    key += fmt::format("template {} {} {}\n", task.loss, task.text_template.size(), task.text_template);
  if (!task.choices.empty()) key += fmt::format("causal {}\n", is_causal(backbone));
  return checkpoint::sha256(key);
}

std::string tokenizer_file(const BackboneSpec& backbone) {
  return (fs::path(backbone.path) / "tokenizer.json").string();
}

std::string build(const TaskSpec& task, const BackboneSpec& backbone, std::int64_t max_length) {
  const std::string file = tokenizer_file(backbone);
  const FolderTokenizer read = read_folder_tokenizer(backbone.path);
  if (read.sha256 != backbone.tokenizer_sha256) {
    throw ChangedInput(file + ": has changed since the run was planned; the same command plans anew");
  }
  const Dataset data = read_dataset(task);
  if (data_hash(task) != task.data_sha256) {
    throw ChangedInput("the files of task " + task.name +
                       " have changed since the run was planned; the same command "
                       "plans anew");
  }
  const Cut cut = backbone.truncation_side == "left" ? Cut::Left : Cut::Right;
  const RowLayout layout{max_length, cut, is_causal(backbone), read.gives_types};
  const auto encoder = make_row_encoder(task, backbone.input, read.json, file, layout);
  return tokenized_bytes(data, *encoder, key_of(task, backbone, max_length));
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
[[noreturn]] void foreign_ids(const BackboneSpec& backbone, const std::string& place, std::int64_t table) {
  const std::string file = tokenizer_file(backbone);
  const Tokenizer tokenizer(read_folder_tokenizer(backbone.path).json, kMostIds, file);
  throw UsageError(fmt::format(
      "{}: holds a token that the model has no embedding of ({}: {}); leave such tokens out of the texts, or "
      "resize the model's table to its tokenizer and save it",
      place, file, text_of(tokenizer.tokens_from(table), table)));
}

/// Where the first row lies of which `is_so`, as "FILE:LINE"; nothing where there is none.
template <typename IsSo>
std::optional<std::string> first_row(const TaskSpec& task, const TokenizedData& data, IsSo is_so) {
  const auto look = [&](const TokenizedSplit& split, const std::string& file) -> std::optional<std::string> {
    for (std::int64_t row = 0; row < split.rows(); ++row) {
      if (is_so(split, row)) return row_place(task, file, row);
    }
    return std::nullopt;
  };
  if (auto place = look(data.train(), task.train)) return place;
  if (auto place = look(data.validation(), task.validation)) return place;
  for (std::size_t i = 0; i < data.tests().size(); ++i) {
    if (auto place = look(data.tests()[i], task.tests[i].path)) return place;
  }
  return std::nullopt;
}

/// The same of a row one of whose sequences is so.
template <typename IsSo>
std::optional<std::string> first_row_with_sequence(const TaskSpec& task, const TokenizedData& data, IsSo is_so) {
  return first_row(task, data, [&](const TokenizedSplit& split, std::int64_t row) {
    std::int64_t sequence = split.first_sequence(row);
    while (sequence < split.first_sequence(row + 1) && !is_so(split, sequence)) ++sequence;
    return sequence < split.first_sequence(row + 1);
  });
}

/// What of the rows the model could not be given.
void check_rows(const TaskSpec& task, const BackboneSpec& backbone, const TokenizedData& data) {
  const ModelConfig model = read_model(backbone.path).config;
  const auto beyond = [](std::span<const std::int32_t> values, std::int64_t table) {
    return std::ranges::any_of(values, [&](std::int32_t value) { return value >= table; });
  };
  if (data.largest_id() >= model.vocabulary) {
    const auto place = first_row(task, data, [&](const TokenizedSplit& split, std::int64_t row) {
      return beyond(split.ids(row), model.vocabulary);
    });
    foreign_ids(backbone, *place, model.vocabulary);
  }
  if (model.token_types > 0 && !model.ignores_types && data.largest_type() >= model.token_types) {
    const auto place = first_row(task, data, [&](const TokenizedSplit& split, std::int64_t row) {
      return beyond(split.types(row), model.token_types);
    });
    throw UsageError(fmt::format(
        "{}: the tokenizer gives the second text type {}, and the model knows {} (\"type_vocab_size\" of "
        "{}/config.json); a task of one text, or another backbone, would be right",
        *place, data.largest_type(), model.token_types == 1 ? "type 0 alone" : "no such type", backbone.path));
  }
  if (model.pads_share_a_position && data.holds(static_cast<std::int32_t>(model.pad_token))) {
    throw UsageError(fmt::format(
        "task {}: a text holds the padding token of {} (id {}), whose position such models count otherwise; "
        "leave it out of the texts",
        task.name, backbone.path, model.pad_token));
  }
  const auto empty = first_row_with_sequence(task, data, [](const TokenizedSplit& split, std::int64_t sequence) {
    return split.sequence_ids(sequence).empty();
  });
  if (empty) {
    throw UsageError(
        fmt::format("{}: the row has no token: its text is empty to the tokenizer, which adds none of its "
                    "own; leave the row out",
                    *empty));
  }
  if (!is_templated(task, backbone.input, is_causal(backbone))) return;
  const auto without_target =
      first_row_with_sequence(task, data, [](const TokenizedSplit& split, std::int64_t sequence) {
        return split.first_target(sequence) >= static_cast<std::int32_t>(split.sequence_ids(sequence).size());
      });
  if (without_target) {
    throw UsageError(
        fmt::format("{}: the row has no token to predict: its answer is empty, was cut off, or is one token with none "
                    "before it; leave the row out, or let `max_length` keep more of it",
                    *without_target));
  }
}

/// The tokenizer as it is for texts that are not cut.
Tokenizer whole_texts(const BackboneSpec& backbone) {
  return Tokenizer(read_folder_tokenizer(backbone.path).json, kMostIds, tokenizer_file(backbone));
}

}  // namespace

std::shared_ptr<const TokenizedData> tokenize(const TaskSpec& task, const BackboneSpec& backbone,
                                              std::int64_t max_length) {
  std::shared_ptr<const TokenizedData> data = find_or_build(task, backbone, max_length);
  check_rows(task, backbone, *data);
  return data;
}

SpecialTokens special_tokens(const BackboneSpec& backbone, bool pair) {
  const Tokenizer tokenizer = whole_texts(backbone);
  const std::string_view nothing, some = "a";
  const auto empty = tokenizer.encode(nothing, pair ? &nothing : nullptr).ids;
  const auto full = tokenizer.encode(some, pair ? &some : nullptr).ids;
  SpecialTokens special;
  special.all = empty.size();
  special.before = static_cast<std::size_t>(std::ranges::mismatch(empty, full).in1 - empty.begin());
  const auto behind = std::mismatch(empty.rbegin(), empty.rend(), full.rbegin(), full.rend()).first - empty.rbegin();
  special.behind = static_cast<std::size_t>(behind);
  return special;
}

std::vector<std::int32_t> ids_of_text(const BackboneSpec& backbone, const std::string& text) {
  const std::vector<std::int32_t> ids = whole_texts(backbone).words(text);
  const std::int64_t table = read_model(backbone.path).config.vocabulary;
  if (!ids.empty() && std::ranges::max(ids) >= table) foreign_ids(backbone, "the text " + in_quotes(text), table);
  return ids;
}

}  // namespace peftgrid::worker
