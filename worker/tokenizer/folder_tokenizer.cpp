#include "worker/tokenizer/folder_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/plain_file.hpp"
#include "checkpoint/sha256.hpp"
#include "checkpoint/shallow_json.hpp"
#include "worker/errors.hpp"
#include "worker/plan/side_file.hpp"
#include "worker/text.hpp"
#include "worker/tokenizer/tokenizer_changes.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{256} << 20;
constexpr std::int64_t kWithoutBound = 1'000'000'000;  // transformers writes 1e30 where there is none
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char *kAddsBos = "add_bos_token", *kAddsEos = "add_eos_token";

std::string read_tokenizer_file(const std::filesystem::path& file) {
  if (!checkpoint::is_there(file)) {
    throw UsageError(
        file.string() +
        ": no such file; transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...)");
  }
  return read_whole_file(file.string(), kMostTokenizerBytes);
}

/// "left" or "right" of a key that holds nothing else; nothing where it is missing.
std::optional<std::string> side_of(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  std::string side = found->is_string() ? found->get<std::string>() : std::string();
  if (side == "Left" || side == "Right") side[0] = side == "Left" ? 'l' : 'r';
  if (side == "left" || side == "right") return side;
  throw UsageError(fmt::format("{}: {}; left or right would be right", where, key_text(key, *found)));
}

/// Of tokenizer.json's `truncation` or `padding`.
std::optional<std::string> direction_of(const json& tokenizer, const char* key, const std::string& where) {
  const auto found = tokenizer.find(key);
  if (found == tokenizer.end() || !found->is_object()) return std::nullopt;
  return side_of(*found, "direction", where);
}

void read_cut(const json& tokenizer, const json& config, const std::filesystem::path& folder, FolderTokenizer& read) {
  const auto stated = direction_of(tokenizer, "truncation", (folder / "tokenizer.json").string());
  const auto wins = side_of(config, "truncation_side", (folder / kConfig).string());
  const std::string side = wins.value_or(stated.value_or("right"));
  read.cut = side == "left" ? Cut::Left : Cut::Right;
  if (wins || stated) read.cut_origin = wins ? kConfig : "tokenizer.json";
  if (wins && stated && *wins != *stated) {
    read.notes.push_back(
        fmt::format("{}: \"truncation_side\" is \"{}\", and tokenizer.json's direction {}; the former holds", kConfig,
                    *wins, *stated));
  }
}

/// Rows are never padded here, so that only transformers' own positions move.
void note_padding(const json& tokenizer, const json& config, const std::filesystem::path& folder,
                  FolderTokenizer& read) {
  const auto wins = side_of(config, "padding_side", (folder / kConfig).string());
  const auto side = wins ? wins : direction_of(tokenizer, "padding", (folder / "tokenizer.json").string());
  if (side != "left") return;
  read.notes.push_back(
      fmt::format("{}: the padding side is left; rows are not padded here, and a row's first token has "
                  "the first position",
                  wins ? kConfig : "tokenizer.json"));
}

void read_inputs(const json& config, FolderTokenizer& read) {
  const auto names = config.find("model_input_names");
  if (names == config.end() || !names->is_array()) return;
  read.gives_types = std::ranges::find(*names, json("token_type_ids")) != names->end();
}

/// The least of the bounds that the folder's files state.
void read_longest(const json& config, const char* file, const char* key, FolderTokenizer& read) {
  const auto stated = config.find(key);
  if (stated == config.end() || !stated->is_number() || stated->get<double>() < 1) return;
  const double least = read.longest > 0 ? static_cast<double>(read.longest) : static_cast<double>(kWithoutBound);
  if (stated->get<double>() >= least) return;
  read.longest = static_cast<std::int64_t>(stated->get<double>());
  read.longest_key = fmt::format("{}'s \"{}\"", file, key);
}

/// transformers takes anything that Python holds for true, or stops; neither is what a file means by "false".
void check_flags(const json& config, std::initializer_list<const char*> keys, const std::filesystem::path& file) {
  for (const char* key : keys) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null() || found->is_boolean()) continue;
    throw UsageError(fmt::format("{}: {}; true or false would be right", file.string(), key_text(key, *found)));
  }
}

std::optional<bool> flag_in(const json& config, const char* key) {
  const auto found = config.find(key);
  return found == config.end() || !found->is_boolean() ? std::nullopt : std::optional(found->get<bool>());
}

/// sentence-transformers' own settings of its first module.
void read_sentence_settings(const std::filesystem::path& folder, FolderTokenizer& read) {
  constexpr const char* kFile = "sentence_bert_config.json";
  const auto config = read_side_object(folder / kFile);
  if (!config) return;
  read_longest(*config, kFile, "max_seq_length", read);
  check_flags(*config, {"do_lower_case"}, folder / kFile);
  if (is_true(*config, "do_lower_case")) {
    read.notes.emplace_back(
        "sentence_bert_config.json: \"do_lower_case\" is true, which is not done here; tokenizer_config.json's is");
  }
}

/// Tokens that only transformers' slow tokenizers would add.
void note_added_tokens(const std::filesystem::path& folder, const json& tokenizer, FolderTokenizer& read) {
  const auto added = read_side_object(folder / "added_tokens.json");
  if (!added) return;
  const json known = tokenizer.value("added_tokens", json::array());
  for (const auto& item : added->items()) {
    const std::string& text = item.key();
    const auto same = [&](const json& one) { return one.is_object() && one.value("content", json()) == text; };
    if (std::ranges::any_of(known, same)) continue;
    read.notes.push_back(fmt::format(
        "added_tokens.json: the token {} is not in tokenizer.json, and is not added here; save_pretrained writes both",
        in_quotes(text)));
  }
}

std::vector<std::string> laid_over(const StatedKeys& stated, json& tokenizer, const std::filesystem::path& file,
                                   std::vector<std::string>& notes) {
  try {
    return change_tokenizer(stated, tokenizer, notes);
  } catch (const json::exception&) {
    throw UsageError(file.string() + ": is not laid out as a tokenizer.json is");
  }
}

}  // namespace

FolderTokenizer read_folder_tokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "tokenizer.json";
  if (!checkpoint::is_there(file) && checkpoint::is_there(folder / "tokenizer.model")) {
    throw UsageError(folder.string() +
                     ": holds its vocabulary as tokenizer.model alone; examples/sentencepiece_to_json.py makes the "
                     "tokenizer.json that is read");
  }
  FolderTokenizer read;
  read.json = read_tokenizer_file(file);
  read.sha256 = checkpoint::sha256(read.json);
  json tokenizer = checkpoint::parse_shallow(read.json);
  if (!tokenizer.is_object()) return read;  // the crate's own words say more of what is wrong with it
  const json map = read_side_object(folder / "special_tokens_map.json").value_or(json::object());
  const StatedKeys stated = stated_keys(read_side_object(folder / kConfig).value_or(json::object()), map, read.notes);
  const json& config = stated.keys;
  check_flags(config,
              {"do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space", kAddsBos, kAddsEos},
              folder / kConfig);
  read.adds_bos = flag_in(config, kAddsBos);
  read.adds_eos = flag_in(config, kAddsEos);
  note_added_tokens(folder, tokenizer, read);
  read_cut(tokenizer, config, folder, read);
  note_padding(tokenizer, config, folder, read);
  read_inputs(config, read);
  read_longest(config, kConfig, "model_max_length", read);
  read_sentence_settings(folder, read);
  const std::vector<std::string> changes = laid_over(stated, tokenizer, file, read.notes);
  std::string changed;
  for (const std::string& change : changes) changed += change + "\n";
  if (!changes.empty()) read.json = tokenizer.dump();
  if (!read.gives_types) changed += "types 0\n";
  if (!changed.empty()) read.sha256 = checkpoint::sha256(read.sha256 + "\n" + changed);
  return read;
}

}  // namespace peftgrid::worker
