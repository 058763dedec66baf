// What a method, an architecture or a kind of task does stands with it: no other file asks for one by its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "worker/backbones/architecture.hpp"
#include "worker/catalogue.hpp"

namespace peftgrid {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using Names = std::set<std::string>;

/// "FILE:LINE" of every string literal of the program that is one of `names`, outside `home`.
std::vector<std::string> literals(const Names& names, const Names& homes) {
  const fs::path source = PEFTGRID_SOURCE;
  const std::regex literal(R"lit("((?:[^"\\]|\\.)*)")lit");
  std::vector<std::string> found;
  for (const char* folder : {"checkpoint", "collectives", "orchestrator", "slurm", "worker"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      const std::string file = entry.path().lexically_relative(source);
      const std::string ending = entry.path().extension();
      const bool at_home = std::ranges::any_of(homes, [&](const std::string& home) { return file.starts_with(home); });
      if (at_home || (ending != ".cpp" && ending != ".hpp")) continue;
      std::ifstream in(entry.path());
      std::int64_t number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        const std::string code = line.substr(0, line.find("// "));
        for (std::sregex_iterator it(code.begin(), code.end(), literal), end; it != end; ++it) {
          if (names.contains((*it)[1])) found.push_back(file + ":" + std::to_string(number) + ": " + it->str());
        }
      }
    }
  }
  return found;
}

TEST(NamesRule, SeesLiterals) {
  EXPECT_THAT(literals({"orchestrator: internal error: {}\\n"}, {}), testing::Not(IsEmpty()));
}

TEST(NamesRule, NoMethodIsNamedOutsideMethods) {
  Names names;
  for (const worker::MethodInfo& method : worker::methods()) names.insert(method.name);
  names.erase("none");  // a word that stands for the absence of other things, too
  EXPECT_THAT(literals(names, {"worker/methods/"}), IsEmpty());
}

TEST(NamesRule, NoArchitectureIsNamedOutsideBackbones) {
  Names names;
  for (const worker::Architecture* one : worker::architectures()) names.insert(one->name);
  EXPECT_THAT(literals(names, {"worker/backbones/"}), IsEmpty());
}

TEST(NamesRule, NoKindOfTaskIsNamedOutsideObjectivesAndTheReadersOfGrids) {
  Names names;
  for (const worker::KindInfo& kind : worker::task_kinds()) names.insert(kind.name);
  EXPECT_THAT(literals(names, {"worker/objectives/", "orchestrator/grid/read_tasks.cpp"}), IsEmpty());
}

}  // namespace
}  // namespace peftgrid
