#include "worker/tokenizer/tokenizer_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "worker/plan/side_file.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

std::optional<bool> flag(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

/// Parts of one type of a tokenizer.json's stage, which is one part or a sequence of them.
void each_part(json& stage, const char* type, const std::function<void(json&)>& visit) {
  if (!stage.is_object()) return;
  for (const char* list : {"normalizers", "pretokenizers", "processors"}) {
    if (!stage.contains(list)) continue;
    for (json& part : stage[list]) each_part(part, type, visit);
  }
  if (stage.contains("type") && stage["type"] == type) visit(stage);
}

class Changes {
 public:
  Changes(const StatedKeys& stated, json& tokenizer, std::vector<std::string>& notes)
      : stated_(stated), config_(stated.keys), tokenizer_(tokenizer), notes_(notes) {}

  std::vector<std::string> take() {
    normalization();
    prefix_space();
    added_tokens();
    unknown_token();
    around("cls_token", true);
    around("sep_token", false);
    note_split();
    return std::move(changes_);
  }

 private:
  const char* file_of(const char* key) const {
    return stated_.from_map.contains(key) ? "special_tokens_map.json" : "tokenizer_config.json";
  }
  void changed(const char* key, const std::string& what) {
    changes_.push_back(what);
    notes_.push_back(fmt::format("{}: {}, and tokenizer.json says otherwise; the former holds", file_of(key), what));
  }
  void not_obeyed(const char* key, const std::string& what, const char* why) {
    notes_.push_back(fmt::format("{}: {}, which is not done: {}", file_of(key), what, why));
  }

  void normalization() {
    bool found = false;
    each_part(tokenizer_["normalizer"], "BertNormalizer", [&](json& part) {
      found = true;
      set_flag(part, "do_lower_case", "lowercase");
      set_flag(part, "tokenize_chinese_chars", "handle_chinese_chars");
      const auto accents = flag(config_, "strip_accents");
      const bool now = flag(part, "strip_accents").value_or(flag(part, "lowercase").value_or(false));
      if (!accents || *accents == now) return;
      part["strip_accents"] = *accents;
      changed("strip_accents", key_text("strip_accents", *accents));
    });
    if (found) return;
    bool lowers = false;
    each_part(tokenizer_["normalizer"], "Lowercase", [&](json&) { lowers = true; });
    if (const auto lower = flag(config_, "do_lower_case"); lower && *lower != lowers) {
      not_obeyed("do_lower_case", key_text("do_lower_case", *lower),
                 "tokenizer.json has no normalizer that could be told so");
    }
  }

  void set_flag(json& part, const char* key, const char* in_tokenizer) {
    const auto wanted = flag(config_, key);
    if (!wanted || flag(part, in_tokenizer) == wanted) return;
    part[in_tokenizer] = *wanted;
    changed(key, key_text(key, *wanted));
  }

  void prefix_space() {
    const auto wanted = flag(config_, "add_prefix_space");
    if (!wanted) return;
    each_part(tokenizer_["pre_tokenizer"], "ByteLevel",
              [&](json& part) { set_flag(part, "add_prefix_space", "add_prefix_space"); });
    each_part(tokenizer_["pre_tokenizer"], "Metaspace", [&](json& part) {
      const bool now = part.contains("prepend_scheme") ? part["prepend_scheme"] != "never"
                                                       : flag(part, "add_prefix_space").value_or(true);
      if (now != *wanted) {
        part.erase("add_prefix_space");
        part["prepend_scheme"] = *wanted ? "always" : "never";
        changed("add_prefix_space", key_text("add_prefix_space", *wanted));
      }
    });
  }

  std::optional<std::string> named(const char* key) const {
    const auto found = config_.find(key);
    return found == config_.end() ? std::nullopt : token_text(*found);
  }

  std::optional<std::int64_t> id_of(const std::string& token) const {
    for (const json& added : tokenizer_.value("added_tokens", json::array())) {
      if (added.is_object() && added.value("content", json()) == token && added.contains("id")) {
        return added["id"].get<std::int64_t>();
      }
    }
    const json& model = tokenizer_["model"];
    const auto vocabulary = model.find("vocab");
    if (vocabulary == model.end()) return std::nullopt;
    if (vocabulary->is_object()) {
      const auto found = vocabulary->find(token);
      if (found != vocabulary->end() && found->is_number_integer()) return found->get<std::int64_t>();
    }
    for (std::size_t i = 0; vocabulary->is_array() && i < vocabulary->size(); ++i) {
      const json& entry = (*vocabulary)[i];
      if (entry.is_array() && !entry.empty() && entry[0] == token) return static_cast<std::int64_t>(i);
    }
    return std::nullopt;
  }

  void unknown_token() {
    const auto wanted = named("unk_token");
    json& model = tokenizer_["model"];
    if (!wanted || !model.is_object() || !model.contains("unk_token") || !model["unk_token"].is_string()) return;
    if (model["unk_token"] == *wanted) return;
    model["unk_token"] = *wanted;
    changed("unk_token", key_text("unk_token", *wanted));
  }

  /// The token that the post-processor puts before a text, or behind it. Where it puts none, none is put.
  void around(const char* key, bool before) {
    const auto wanted = named(key);
    if (!wanted) return;
    json& stage = tokenizer_["post_processor"];
    const auto replace = [&](const json& now, const std::function<void(std::int64_t)>& act) {
      if (!now.is_string() || now == *wanted) return;
      act(id_of(*wanted).value());  // added_tokens() has added it, where it was missing
      changed(key, key_text(key, *wanted));
    };
    for (const char* type : {"BertProcessing", "RobertaProcessing"}) {
      each_part(stage, type, [&](json& part) {
        json& pair = part[before ? "cls" : "sep"];
        if (!pair.is_array() || pair.size() != 2) return;
        replace(json(pair[0]), [&](std::int64_t id) { pair = json::array({*wanted, id}); });
      });
    }
    each_part(stage, "TemplateProcessing", [&](json& part) {
      const json now = template_token(part, before);
      replace(now, [&](std::int64_t id) { rename_in_template(part, now, *wanted, id); });
    });
  }

  /// The special token that begins or ends the template of one text; null where that is not one.
  static json template_token(const json& part, bool before) {
    const auto single = part.find("single");
    if (single == part.end() || !single->is_array() || single->empty()) return nullptr;
    const json& piece = before ? single->front() : single->back();
    if (!piece.is_object() || !piece.contains("SpecialToken")) return nullptr;
    return piece["SpecialToken"].value("id", json());
  }

  static void rename_in_template(json& part, const json& now, const std::string& wanted, std::int64_t id) {
    for (const char* form : {"single", "pair"}) {
      for (json& piece : part[form]) {
        if (piece.contains("SpecialToken") && piece["SpecialToken"]["id"] == now) piece["SpecialToken"]["id"] = wanted;
      }
    }
    part["special_tokens"][wanted] = {{"id", wanted}, {"ids", json::array({id})}, {"tokens", json::array({wanted})}};
  }

  /// Tokens that a text is cut at: those that only tokenizer_config.json lists are added, and its flags hold.
  void added_tokens() {
    if (const auto listed = config_.find("added_tokens_decoder"); listed != config_.end() && listed->is_object()) {
      std::map<std::int64_t, json> by_id;
      for (const auto& [id, token] : listed->items()) {
        if (const auto number = parse_number(id); number && token_text(token)) {
          by_id[static_cast<std::int64_t>(*number)] = token;
        }
      }
      for (const auto& [id, token] : by_id) add(token, "added_tokens_decoder");
    }
    for (const char* key : kNamedTokens) {
      if (const auto found = config_.find(key); found != config_.end() && token_text(*found)) add(*found, key);
    }
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
      const auto found = config_.find(key);
      if (found == config_.end() || !found->is_structured()) continue;
      for (const json& token : *found) {
        if (token_text(token)) add(token, key);
      }
    }
  }

  void add(const json& token, const char* key) {
    const std::string text = *token_text(token);
    json& all = tokenizer_["added_tokens"];
    if (!all.is_array()) all = json::array();
    const auto same = std::ranges::find_if(all, [&](const json& one) { return one.value("content", json()) == text; });
    if (same != all.end()) return take_flags(token, *same, text, key);
    json added = {{"id", id_of(text).value_or(next_id())},
                  {"content", text},
                  {"single_word", false},
                  {"lstrip", false},
                  {"rstrip", false},
                  {"normalized", false},
                  {"special", true}};
    if (token.is_object()) take_flags_silently(token, added);
    all.push_back(std::move(added));
    changed(key, fmt::format("\"{}\" has the token {}", key, in_quotes(text)));
  }

  std::int64_t next_id() const {
    std::int64_t next = 0;
    for (const json& added : tokenizer_["added_tokens"]) next = std::max(next, added.value("id", std::int64_t{0}) + 1);
    const json& model = tokenizer_["model"];
    if (const auto vocabulary = model.find("vocab"); vocabulary != model.end()) {
      next = std::max(next, static_cast<std::int64_t>(vocabulary->size()));
    }
    return next;
  }

  static std::vector<std::string> take_flags_silently(const json& token, json& added) {
    std::vector<std::string> unlike;
    for (const char* name : {"single_word", "lstrip", "rstrip", "normalized"}) {
      const auto wanted = flag(token, name);
      if (!wanted || flag(added, name) == wanted) continue;
      added[name] = *wanted;
      unlike.push_back(fmt::format("{} {}", name, *wanted));
    }
    return unlike;
  }

  void take_flags(const json& token, json& added, const std::string& text, const char* key) {
    if (!token.is_object()) return;
    const auto unlike = take_flags_silently(token, added);
    if (!unlike.empty()) changed(key, fmt::format("the token {} is {}", in_quotes(text), joined(unlike)));
  }

  void note_split() {
    if (is_true(config_, "split_special_tokens")) {
      not_obeyed("split_special_tokens", "\"split_special_tokens\" is true", "special tokens inside a text stay whole");
    }
  }

  const StatedKeys& stated_;
  const json& config_;
  json& tokenizer_;
  std::vector<std::string>& notes_;
  std::vector<std::string> changes_;
};

}  // namespace

std::vector<std::string> change_tokenizer(const StatedKeys& stated, json& tokenizer, std::vector<std::string>& notes) {
  for (const char* stage : {"normalizer", "pre_tokenizer", "post_processor", "model"}) tokenizer[stage];
  return Changes(stated, tokenizer, notes).take();
}

}  // namespace peftgrid::worker
