// Every key of a model's folder that moves what transformers makes of it (folder_keys.py): obeyed, refused or noted.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "orchestrator/grid/grid.hpp"
#include "tests/support/tiny_model.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/errors.hpp"
#include "worker/tasks/tokens.hpp"

namespace peftgrid {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Ids = std::vector<std::vector<std::int32_t>>;

json list_of(const char* file) {
  std::ifstream in(std::string(PEFTGRID_SOURCE) + "/tests/golden/" + file);
  return json::parse(in);
}

/// What became of a folder's change.
struct Outcome {
  std::string refusal;             // empty where it was taken
  std::vector<std::string> notes;  // as a plan shows them
  worker::ModelConfig model;
  std::string readout;
  Ids ids, types;

  bool says(const std::string& key) const {
    const auto names = [&](const std::string& text) { return text.find(key) != std::string::npos; };
    return names(refusal) || std::ranges::any_of(notes, names);
  }
};

/// The folder that the script changes, and a grid over it that trains on the script's rows.
class FolderKeys : public testing::TestWithParam<const char*> {
 protected:
  FolderKeys()
      : list_(list_of(GetParam())), root_(fs::path(testing::TempDir()) / ("folder_keys_" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    setenv("XDG_CACHE_HOME", (root_ / "cache").c_str(), 1);
    fs::create_directories(root_);
    std::ofstream rows(root_ / "rows.jsonl");
    int label = 0;
    for (const json& row : list_["rows"])
      rows << json{{"a", row[0]}, {"b", row[1]}, {"label", label++ % 2}}.dump() << '\n';
    std::ofstream(root_ / "grid.yaml")
        << "backbones: [model]\nmethods: [head]\nseeds: 1\nselection: none\ntraining: {max_length: "
        << list_["max_length"] << "}\n"
        << "tasks: [{name: own, train: rows.jsonl, test: rows.jsonl, text: [a, b], label: label}]\n";
  }
  ~FolderKeys() override { fs::remove_all(root_); }

  Outcome outcome(const json& change) {
    fs::remove_all(root_ / "model");
    tests::write_tiny_model(root_ / "model");
    if (!change.is_null()) set(change);
    Outcome found;
    try {
      const orchestrator::Grid grid = orchestrator::load_grid((root_ / "grid.yaml").string(), {});
      const worker::TrialSpec& spec = grid.trials.at(0);
      found.notes = grid.notes;
      found.model = grid.backbones.at("model").model.config;
      found.readout = spec.backbone.readout;
      const auto data = worker::tokenize(spec.task, spec.backbone, spec.training.max_length);
      for (std::int64_t row = 0; row < data->train().rows(); ++row) {
        found.ids.emplace_back(data->train().ids(row).begin(), data->train().ids(row).end());
        found.types.emplace_back(data->train().types(row).begin(), data->train().types(row).end());
      }
    } catch (const worker::UsageError& error) {
      found.refusal = error.what();
    }
    return found;
  }

  json list_;

 private:
  void set(const json& change) {
    const fs::path file = root_ / "model" / change["file"].get<std::string>();
    fs::create_directories(file.parent_path());
    json content = json::object();
    if (std::ifstream in(file); in) content = json::parse(in);
    // One mode alone, as sentence-transformers writes it.
    if (change["key"].get<std::string>().starts_with("pooling_mode_")) content["pooling_mode_mean_tokens"] = false;
    content[change["key"].get<std::string>()] = change["value"];
    std::ofstream(file) << content.dump();
  }

  fs::path root_;
};

std::string named(const json& change) {
  return change["file"].get<std::string>() + ": " + change["key"].get<std::string>() + " = " + change["value"].dump();
}

TEST_P(FolderKeys, UnchangedItGivesTheIdsOfTransformers) {
  const Outcome plain = outcome(nullptr);
  EXPECT_EQ(plain.ids, list_["plain"]["ids"].get<Ids>());
  EXPECT_EQ(plain.types, list_["plain"]["types"].get<Ids>());
  EXPECT_THAT(plain.notes, testing::Each(testing::AnyOf(HasSubstr("are cut on the right"),
                                                        HasSubstr("5 of 5 test rows stand in the training file"))));
}

TEST_P(FolderKeys, OfAConfigEachIsObeyedRefusedOrNoted) {
  const Outcome plain = outcome(nullptr);
  for (const json& change : list_["keys"]) {
    if (change["file"] != "config.json") continue;
    const Outcome changed = outcome(change);
    const bool obeyed = changed.refusal.empty() && changed.model != plain.model;
    EXPECT_TRUE(obeyed || changed.says(change["key"])) << named(change) << " passes in silence";
  }
}

TEST_P(FolderKeys, OfATokenizerEachGivesTheIdsOfTransformersOrIsSaid) {
  for (const json& change : list_["keys"]) {
    if (change["file"] != "tokenizer_config.json") continue;
    const Outcome changed = outcome(change);
    const bool moved = change["ids"] != list_["plain"]["ids"] || change["types"] != list_["plain"]["types"];
    const bool obeyed = changed.ids == change["ids"].get<Ids>() && changed.types == change["types"].get<Ids>();
    if (moved && obeyed) continue;
    EXPECT_TRUE(changed.says(change["key"]) || changed.says("padding side")) << named(change) << " passes in silence";
    EXPECT_FALSE(moved && !changed.says("is not done") && changed.refusal.empty())
        << named(change) << " gives other ids than transformers' and is not said to be left out";
  }
}

TEST_P(FolderKeys, OfAPoolingEachIsTheReadoutOrRefused) {
  for (const json& change : list_["keys"]) {
    if (change["file"] != "1_Pooling/config.json") continue;
    const Outcome changed = outcome(change);
    const std::string mode = change["mode"];
    const std::string readout = mode == "lasttoken" ? "last" : mode;
    EXPECT_TRUE(changed.readout == readout || changed.refusal.find("the pooling is " + mode) != std::string::npos)
        << named(change);
  }
}

INSTANTIATE_TEST_SUITE_P(Transformers, FolderKeys, testing::Values("folder_keys_5.json", "folder_keys_4.json"),
                         [](const auto& version) { return std::string("Of") + version.param[12]; });

}  // namespace
}  // namespace peftgrid
