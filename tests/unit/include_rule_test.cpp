// Who may include whom: docs/architecture.md, "Who may include whom", checked against every #include of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace peftgrid {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using Names = std::set<std::string>;

const Names kFolders{"checkpoint", "collectives", "orchestrator", "slurm", "worker"};

/// What each file includes, as written between quotes or angle brackets; files by their path from the source folder.
std::map<std::string, Names> read_includes() {
  const fs::path source = PEFTGRID_SOURCE;
  const std::regex include(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  std::map<std::string, Names> all;
  for (const std::string& folder : kFolders) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      const std::string ending = entry.path().extension();
      if (ending != ".cpp" && ending != ".hpp") continue;
      Names& names = all[entry.path().lexically_relative(source)];
      std::ifstream in(entry.path());
      std::smatch match;
      for (std::string line; std::getline(in, line);) {
        if (std::regex_search(line, match, include)) names.insert(match[1]);
      }
    }
  }
  return all;
}

const std::map<std::string, Names>& includes() {
  static const std::map<std::string, Names> all = read_includes();
  return all;
}

/// All that a file sees, through our own headers too.
Names seen_by(const std::string& file) {
  Names seen;
  std::vector<std::string> left{file};
  while (!left.empty()) {
    const std::string next = left.back();
    left.pop_back();
    const auto known = includes().find(next);
    if (known == includes().end()) continue;
    for (const std::string& name : known->second) {
      if (seen.insert(name).second) left.push_back(name);
    }
  }
  return seen;
}

std::string folder_of(const std::string& name) {
  const std::string first = name.substr(0, name.find('/'));
  return kFolders.contains(first) ? first : "";
}

bool is_torch(const std::string& name) {
  return name.starts_with("ATen/") || name.starts_with("torch/") || name.starts_with("c10/");
}
bool is_fmt(const std::string& name) {
  return name.starts_with("fmt/") || name.starts_with("spdlog/");
}

/// "FILE includes NAME" for each direct include that `forbidden` objects to.
std::vector<std::string> breaches(
    const std::function<bool(const std::string& file, const std::string& name)>& forbidden) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    for (const std::string& name : names) {
      if (forbidden(file, name)) found.push_back(file + " includes " + name);
    }
  }
  return found;
}

/// The other folders' headers that a folder may include; "folder/" stands for all of its headers.
bool folder_may(const std::string& folder, const std::string& name) {
  static const std::map<std::string, Names> kAllowed{
      {"checkpoint", {}},
      {"collectives", {}},
      {"slurm", {}},
      {"worker", {"collectives/", "checkpoint/"}},
      // Of worker only headers without a tensor. Beside what a trial is, what can be planned and the loop: the errors
      // that both throw, the messages that both read, and quoting and nearest names for messages.
      {"orchestrator",
       {"collectives/", "checkpoint/", "slurm/", "worker/trial.hpp", "worker/catalogue.hpp",
        "worker/service/worker.hpp", "worker/errors.hpp", "worker/service/messages.hpp", "worker/tasks/metrics.hpp",
        "worker/text.hpp"}},
  };
  const Names& allowed = kAllowed.at(folder);
  return folder_of(name) == folder || allowed.contains(name) || allowed.contains(folder_of(name) + "/");
}

TEST(IncludeRule, ReadsTheWholeProgram) {
  EXPECT_GT(includes().size(), 100U);
  for (const char* file : {"orchestrator/main.cpp", "worker/service/worker.cpp", "worker/methods/lora.cpp"}) {
    EXPECT_TRUE(includes().contains(file)) << file;
  }
  EXPECT_TRUE(seen_by("worker/training/trainer.cpp").contains("ATen/core/Tensor.h"));
}

TEST(IncludeRule, FoldersIncludeOnlyWhatTheyMay) {
  EXPECT_THAT(breaches([](const std::string& file, const std::string& name) {
                return !folder_of(name).empty() && !folder_may(folder_of(file), name);
              }),
              IsEmpty());
}

TEST(IncludeRule, TensorsStayInsideWorker) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    if (folder_of(file) == "worker") continue;
    for (const std::string& name : seen_by(file)) {
      if (is_torch(name)) found.push_back(file + " sees " + name);
    }
  }
  EXPECT_THAT(found, IsEmpty());
}

TEST(IncludeRule, CudaAndNcclStayInsideCollectivesButForWhatStartsKernels) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    if (folder_of(file) == "collectives" || file == "worker/kernels/cuda/cuda_program.cpp") continue;
    for (const std::string& name : seen_by(file)) {
      if (name.starts_with("cuda") || name.starts_with("nccl")) found.push_back(file + " sees " + name);
    }
  }
  EXPECT_THAT(found, IsEmpty());
}

/// Does planning, which links without LibTorch, rest on this file?
bool is_plan(const std::string& file) {
  const Names folders{"worker/plan/", "worker/tasks/", "worker/tokenizer/"};
  const Names files{"worker/trial.",    "worker/text.",         "worker/geometry.",
                    "worker/per_site.", "worker/catalogue.hpp", "worker/backbones/architecture.hpp"};
  const auto begins = [&](const std::string& name) { return file.starts_with(name); };
  return std::ranges::any_of(folders, begins) || std::ranges::any_of(files, begins) ||
         file.find("_plan.") != std::string::npos;
}

/// Planning, and the fuzz targets of the parsers, link these without LibTorch.
TEST(IncludeRule, TheCatalogueAndItsParsersSeeNoTensor) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    if (!is_plan(file)) continue;
    for (const std::string& name : seen_by(file)) {
      if (is_torch(name)) found.push_back(file + " sees " + name);
    }
  }
  EXPECT_THAT(found, IsEmpty());
}

TEST(IncludeRule, AMethodSeesOfBackbonesOnlyTheirPlan) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    if (!file.starts_with("worker/methods/")) continue;
    for (const std::string& name : seen_by(file)) {
      if (name.starts_with("worker/backbones/") && name != "worker/backbones/architecture.hpp")
        found.push_back(file + " sees " + name);
    }
  }
  EXPECT_THAT(found, IsEmpty());
}

TEST(IncludeRule, ABackboneSeesOfMethodsOnlyTheirInterface) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    if (!file.starts_with("worker/backbones/")) continue;
    for (const std::string& name : seen_by(file)) {
      if (!name.starts_with("worker/methods/")) continue;
      if (!Names{"worker/methods/sites.hpp", "worker/methods/method.hpp", "worker/methods/parameters.hpp"}.contains(
              name)) {
        found.push_back(file + " sees " + name);
      }
    }
  }
  EXPECT_THAT(found, IsEmpty());
}

/// They cost 10 s and more of compile time a file.
TEST(IncludeRule, OnlyThreeFilesSeeCustomFunctions) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    const bool may = file == "worker/kernels/functions.cpp" || file == "worker/kernels/token_functions.cpp" ||
                     file == "worker/kernels/linear_cross_entropy.cpp";
    if (may || file.ends_with(".hpp")) continue;
    for (const std::string& name : seen_by(file)) {
      if (name.ends_with("custom_function.h")) found.push_back(file + " sees " + name);
    }
  }
  EXPECT_THAT(found, IsEmpty());
  EXPECT_THAT(breaches([](const std::string&, const std::string& name) {
                return name == "torch/torch.h" || name == "ATen/ATen.h";
              }),
              IsEmpty());
}

/// LibTorch brings an fmt of its own among its headers, of another version than Debian's.
TEST(IncludeRule, FmtNeverMeetsLibTorch) {
  std::vector<std::string> found;
  for (const auto& [file, names] : includes()) {
    const Names seen = seen_by(file);
    const bool torch = std::any_of(seen.begin(), seen.end(), is_torch);
    const bool fmt = std::any_of(seen.begin(), seen.end(), is_fmt);
    if (torch && fmt) found.push_back(file);
  }
  EXPECT_THAT(found, IsEmpty());
}

}  // namespace
}  // namespace peftgrid
