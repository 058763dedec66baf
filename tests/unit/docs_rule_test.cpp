// The pages name files that are there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace peftgrid {
namespace {

namespace fs = std::filesystem;

/// All files of the tree, each behind a slash.
std::vector<std::string> files() {
  const fs::path source = PEFTGRID_SOURCE;
  std::vector<std::string> all;
  for (const char* folder : {"bench", "checkpoint", "cmake", "collectives", "docs", "examples", "orchestrator", "slurm",
                             "tests", "worker"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      all.push_back("/" + entry.path().lexically_relative(source).string());
    }
  }
  for (const auto& entry : fs::directory_iterator(source)) all.push_back("/" + entry.path().filename().string());
  return all;
}

/// "PAGE: NAME" of every source that `pages` name in backquotes and no path ends in. A star stands for any letters;
/// names with capitals are not of files but for readers to fill in.
std::vector<std::string> missing(const std::vector<fs::path>& pages) {
  static const std::vector<std::string> all = files();
  const std::regex source(R"(`(?:\./)?([a-z0-9_./*]+\.(cpp|hpp|inc|cmake|py|sh|in|rs))`)");
  std::vector<std::string> found;
  for (const fs::path& page : pages) {
    std::ifstream in(page);
    for (std::string line; std::getline(in, line);) {
      for (std::sregex_iterator it(line.begin(), line.end(), source), end; it != end; ++it) {
        const std::string name = (*it)[1];
        std::string pattern = std::regex_replace(name, std::regex(R"(\.)"), "\\.");
        pattern = std::regex_replace(pattern, std::regex(R"(\*)"), "[^/]*");
        const std::regex ending("/" + pattern + "$");
        const bool there = std::ranges::any_of(all, [&](const auto& file) { return std::regex_search(file, ending); });
        if (!there) found.push_back(page.filename().string() + ": " + name);
      }
    }
  }
  return found;
}

TEST(DocsRule, SeesNamesOfNoFile) {
  const fs::path page = fs::path(testing::TempDir()) / "docs_rule_test.md";
  std::ofstream(page) << "`worker/text.cpp`, `text.cpp`, `*_plan.cpp`, `NAME.cpp`, `ext.cpp`, `worker/a_*.hpp`\n";
  EXPECT_THAT(missing({page}), testing::ElementsAre("docs_rule_test.md: ext.cpp", "docs_rule_test.md: worker/a_*.hpp"));
  fs::remove(page);
}

TEST(DocsRule, PagesNameFilesThatAreThere) {
  const fs::path source = PEFTGRID_SOURCE;
  std::vector<fs::path> pages{source / "README.md"};
  for (const auto& entry : fs::directory_iterator(source / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  EXPECT_THAT(missing(pages), testing::IsEmpty());
}

}  // namespace
}  // namespace peftgrid
