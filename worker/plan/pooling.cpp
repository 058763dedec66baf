#include "worker/plan/pooling.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/plain_file.hpp"
#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/side_file.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kPoolingFolder = "1_Pooling";
constexpr const char* kRight = "say `readout: mean` (or pooler, cls, last) for this backbone, or change the file";

struct Mode {
  const char* name;     // as `pooling_mode` has it
  const char* key;      // of its own, in the older format
  bool fallback;        // where that key is missing
  const char* readout;  // null: this program has none like it
};
constexpr std::array kModes = {
    Mode{"mean", "pooling_mode_mean_tokens", true, kReadsMean},
    Mode{"cls", "pooling_mode_cls_token", false, kReadsFirst},
    Mode{"lasttoken", "pooling_mode_lasttoken", false, kReadsLast},
    Mode{"max", "pooling_mode_max_tokens", false, nullptr},
    Mode{"weightedmean", "pooling_mode_weightedmean_tokens", false, nullptr},
    Mode{"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", false, nullptr},
};

/// What of a folder's modules.json matters here.
struct Modules {
  std::string transformer;             // the folder of the model; empty: the folder itself
  std::optional<std::string> pooling;  // the folder of its configuration
  std::vector<std::string> behind;     // those that change what is pooled
};

/// "sentence_transformers.models.Pooling" is a Pooling, whatever its package is called.
std::string class_of(const json& module) {
  const auto type = module.find("type");
  if (type == module.end() || !type->is_string()) return {};
  const auto name = type->get<std::string>();
  return name.substr(name.rfind('.') + 1);
}

/// Nothing where there is no such file.
std::optional<Modules> read_modules(const fs::path& folder) {
  const fs::path file = folder / "modules.json";
  const auto list = read_side_list(file);
  if (!list) return std::nullopt;
  Modules modules;
  for (const json& module : *list) {
    const std::string name = module.is_object() ? class_of(module) : std::string();
    const auto path = module.is_object() ? module.find("path") : module.end();
    if (name.empty() || path == module.end() || !path->is_string()) {
      throw UsageError(file.string() + R"(: a module is not {"type": ..., "path": ...})");
    }
    if (name == "Pooling") {
      modules.pooling = path->get<std::string>();
    } else if (name == "Transformer") {
      modules.transformer = path->get<std::string>();
    } else if (name != "Dropout") {
      modules.behind.push_back(name);
    }
  }
  return modules;
}

const Mode* find_mode(const std::string& name) {
  for (const Mode& mode : kModes) {
    if (name == mode.name) return &mode;
  }
  return nullptr;
}

[[noreturn]] void unlike(const std::string& where, const char* key, const json& value, const char* right) {
  throw UsageError(fmt::format("{}: {}; {} would be right", where, key_text(key, value), right));
}

/// The names of `pooling_mode`: one, or a list of them.
std::vector<std::string> named_modes(const json& value, const std::string& where) {
  constexpr const char* kKey = "pooling_mode";
  std::vector<std::string> names;
  for (const json& one : value.is_array() ? value : json::array({value})) {
    if (!one.is_string()) unlike(where, kKey, value, "the name of a mode");
    names.push_back(one.get<std::string>());
    if (find_mode(names.back()) == nullptr) {
      std::vector<std::string> known;
      for (const Mode& mode : kModes) known.emplace_back(mode.name);
      throw UsageError(fmt::format("{}: \"{}\" is {}; known: {}", where, kKey, in_quotes(names.back()), joined(known)));
    }
  }
  return names;
}

std::vector<std::string> stated_modes(const json& config, const std::string& where) {
  if (const auto named = config.find("pooling_mode"); named != config.end() && !named->is_null()) {
    return named_modes(*named, where);
  }
  std::vector<std::string> names;
  for (const Mode& mode : kModes) {
    const auto found = config.find(mode.key);
    if (found != config.end() && !found->is_boolean()) unlike(where, mode.key, *found, "true or false");
    if (found == config.end() ? mode.fallback : found->get<bool>()) names.emplace_back(mode.name);
  }
  return names;
}

/// `shown` stands before the name where it is said.
void read_pooling(const fs::path& folder, const std::string& name, const fs::path& shown, StatedReadout& stated) {
  const fs::path file = folder / name / "config.json";
  const auto config = read_side_object(file);
  if (!config) {
    throw UsageError(fmt::format("{}: no such file; modules.json says that it holds the pooling", file.string()));
  }
  const std::vector<std::string> modes = stated_modes(*config, file.string());
  stated.readout.clear();
  stated.origin = (shown / name / "config.json").string();
  if (modes.size() != 1) {
    stated.refusal = fmt::format("{}: asks for {}, and one readout is made here; {}", file.string(),
                                 modes.empty() ? "no pooling" : joined(modes) + " together", kRight);
  } else if (const Mode* mode = find_mode(modes[0]); mode->readout != nullptr) {
    stated.readout = mode->readout;
  } else {
    stated.refusal =
        fmt::format("{}: the pooling is {}, which is not to be had here; {}", file.string(), mode->name, kRight);
  }
}

/// A prompt is text that sentence-transformers puts before every row, unless it is told otherwise.
void note_prompt(const fs::path& folder, StatedReadout& stated) {
  const fs::path file = folder / "config_sentence_transformers.json";
  const auto config = read_side_object(file);
  if (!config) return;
  const auto name = config->find("default_prompt_name");
  if (name == config->end() || !name->is_string()) return;
  stated.notes.push_back(fmt::format("{}: {}; no prompt is put before texts here, so write it into the data",
                                     file.filename().string(), key_text("default_prompt_name", *name)));
}

/// One that pools, and is not sentence-transformers' Pooling.
void refuse_unknown_pooling(const Modules& modules, const fs::path& folder, StatedReadout& stated) {
  const auto pools = [](const std::string& module) { return module.ends_with("Pooling"); };
  const auto found = std::ranges::find_if(modules.behind, pools);
  if (found == modules.behind.end()) return;
  stated.readout.clear();
  stated.origin = "modules.json";
  stated.refusal = fmt::format("{}: pools by its {}, which is not to be had here; {}",
                               (folder / "modules.json").string(), *found, kRight);
}

/// A modules.json that happens to lie beside a model, and is none, is no concern of the model's.
bool is_module_of(const fs::path& model, const fs::path& folder) {
  try {
    const auto modules = read_modules(folder);
    return modules && !modules->transformer.empty() && modules->transformer == model.filename();
  } catch (const UsageError&) {
    return false;
  }
}

}  // namespace

std::string model_within(const fs::path& folder) {
  const auto modules = read_modules(folder);
  return modules ? modules->transformer : std::string();
}

StatedReadout stated_readout(const fs::path& model, const std::string& fallback) {
  StatedReadout stated{fallback, "default", {}, {}};
  fs::path folder = model, shown;
  auto modules = read_modules(folder);
  if (!modules && is_module_of(model, model.parent_path())) {
    folder = model.parent_path();
    shown = "..";
    modules = read_modules(folder);
  }
  const bool alone = !modules && checkpoint::is_there(folder / kPoolingFolder / "config.json");
  if (alone) read_pooling(folder, kPoolingFolder, shown, stated);
  if (modules && modules->pooling) read_pooling(folder, *modules->pooling, shown, stated);
  if (modules && !modules->pooling) refuse_unknown_pooling(*modules, folder, stated);
  if (modules && !stated.readout.empty()) {
    for (const std::string& module : modules->behind) {
      stated.notes.push_back(
          fmt::format("modules.json: its {} module is left out; the head reads what is pooled", module));
    }
  }
  note_prompt(folder, stated);
  return stated;
}

}  // namespace peftgrid::worker
