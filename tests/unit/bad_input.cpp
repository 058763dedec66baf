// Every wrong input with the exact message it gets. The same table makes docs/errors.md: run with
// PEFTGRID_WRITE_DOCS=1 to write it, else it is compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "checkpoint/errors.hpp"
#include "orchestrator/commands/command_line.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/grid/grid.hpp"
#include "tests/support/tiny_model.hpp"
#include "tests/unit/bad_input/cases.hpp"
#include "worker/backbones/architecture.hpp"
#include "worker/text.hpp"

namespace peftgrid::tests {

namespace fs = std::filesystem;

const char* const kRightGrid = R"(backbones: [models/tiny]
tasks:
  - name: tickets
    train: data/train.csv
    test: data/test.csv
    text: title
    label: queue
methods: [full, lora]
train_sizes: [4]
seeds: 2
selection: none
training: {max_length: 32}
)";

namespace {

constexpr const char* kTrain =
    "title,body,queue\nab,cd,sales\nef,gh,help\nij,kl,sales\nmn,op,help\nqr,st,sales\nuv,wx,help\n";
constexpr const char* kTest = "title,body,queue\nyz,ab,help\ncd,ef,sales\n";

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// A folder with a grid that is right, and a cache of its own.
class Folder {
 public:
  Folder() : root_(fs::path(testing::TempDir()) / ("bad_input_" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "data");
    setenv("XDG_CACHE_HOME", (root_ / "cache").c_str(), 1);
    setenv("PATH", (root_ / "programs").c_str(), 1);  // no Slurm, whatever this machine has
    write_text(root_ / "grid.yaml", kRightGrid);
    write_text(root_ / "data/train.csv", kTrain);
    write_text(root_ / "data/test.csv", kTest);
    write_tiny_model(root_ / "models/tiny");
    fs::current_path(root_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    fs::current_path(root_.parent_path());
    fs::remove_all(root_);
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

void run_command_of(const BadInput& bad) {
  const orchestrator::Arguments arguments(bad.command.begin() + 1, bad.command.end());
  const std::map<std::string, int (*)(const orchestrator::Arguments&)> commands = {
      {"plan", [](const orchestrator::Arguments& given) { return orchestrator::plan_command(given); }},
      {"submit", orchestrator::submit_command},
      {"merge", orchestrator::merge_command}};
  const auto command = commands.find(bad.command[0]);
  if (command == commands.end())
    throw worker::UsageError(orchestrator::unknown_command(bad.command[0], {"run", "plan", "submit", "merge"}));
  command->second(arguments);
}

/// The message as the user would read it; the folder of this test is left out of its paths.
std::string message_of(const BadInput& bad) {
  const Folder folder;
  if (bad.spoil) bad.spoil(folder.root());
  orchestrator::Overrides overrides;
  overrides.set = bad.set;
  overrides.only = bad.only;
  std::string message = "(no error)";
  try {
    if (bad.command.empty()) {
      orchestrator::load_grid("grid.yaml", overrides);
    } else {
      run_command_of(bad);
    }
  } catch (const worker::UsageError& error) {
    message = error.what();
  } catch (const checkpoint::FileError& error) {
    message = error.what();
  }
  // A new architecture is none of docs/errors.md's business.
  std::vector<std::string> known;
  for (const worker::Architecture* one : worker::architectures()) known.push_back(one->name);
  const std::string list = "known: " + worker::joined(known);
  if (const std::size_t at = message.find(list); at != std::string::npos) {
    message.replace(at, list.size(), "known: " + known.front() + ", …");
  }
  const std::string prefix = folder.root().string() + "/";
  for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
    message.erase(at, prefix.size());
  return message;
}

std::vector<Section> all_sections() {
  return {grid_mistakes(),   method_mistakes(), task_mistakes(),     kind_mistakes(),    command_line_mistakes(),
          submit_mistakes(), table_mistakes(),  backbone_mistakes(), decoder_mistakes(), merge_mistakes()};
}

std::string document() {
  std::ostringstream out;
  out << "# Wrong input, and what it is told\n\n"
      << "Made by `tests/unit/bad_input.cpp`, which provokes each of these; do not edit by hand.\n"
      << "The program exits with 2, before anything is computed or written. Every example is the grid below with one\n"
      << "change.\n\n```yaml\n"
      << kRightGrid << "```\n\n`data/train.csv`:\n\n```\n"
      << kTrain << "```\n\n`data/test.csv`:\n\n```\n"
      << kTest << "```\n";
  for (const Section& section : all_sections()) {
    out << "\n## " << section.title << "\n";
    for (const BadInput& bad : section.cases) {
      out << "\n**" << bad.what << "**\n";
      if (!bad.shown.empty()) out << "\n```\n" << bad.shown << (bad.shown.ends_with("\n") ? "" : "\n") << "```\n";
      out << "\n> ";
      for (const char c : bad.message) out << (c == '\n' ? std::string("\n> ") : std::string(1, c));
      out << "\n";
    }
  }
  return out.str();
}

void expect_messages(const Section& section) {
  for (const BadInput& bad : section.cases) {
    SCOPED_TRACE(bad.what);
    EXPECT_EQ(message_of(bad), bad.message);
  }
}

TEST(BadInput, TheGridThatExamplesStartFromIsRight) {
  EXPECT_EQ(message_of({"nothing", "", {}, {}, {}, ""}), "(no error)");
}

TEST(BadInput, MistakesInTheGrid) {
  expect_messages(grid_mistakes());
}
TEST(BadInput, MistakesInMethods) {
  expect_messages(method_mistakes());
}
TEST(BadInput, MistakesInTasks) {
  expect_messages(task_mistakes());
}

TEST(BadInput, MistakesInChoicesAndLanguageModels) {
  expect_messages(kind_mistakes());
}
TEST(BadInput, MistakesOnTheCommandLine) {
  expect_messages(command_line_mistakes());
}
TEST(BadInput, MistakesInShardsAndJobs) {
  expect_messages(submit_mistakes());
}
TEST(BadInput, MistakesInTables) {
  expect_messages(table_mistakes());
}
TEST(BadInput, MistakesInBackbones) {
  expect_messages(backbone_mistakes());
}
TEST(BadInput, MistakesInDecoders) {
  expect_messages(decoder_mistakes());
}

TEST(BadInput, MistakesInMerging) {
  expect_messages(merge_mistakes());
}

TEST(BadInput, TheDocumentShowsEveryOne) {
  std::set<std::string> titles;
  for (const Section& section : all_sections()) {
    for (const BadInput& bad : section.cases) EXPECT_TRUE(titles.insert(section.title + bad.what).second) << bad.what;
  }
  EXPECT_GE(titles.size(), 70U);
  const fs::path file = fs::path(PEFTGRID_SOURCE) / "docs/errors.md";
  if (std::getenv("PEFTGRID_WRITE_DOCS") != nullptr) write_text(file, document());
  EXPECT_TRUE(read_text(file) == document()) << "docs/errors.md is out of date: run with PEFTGRID_WRITE_DOCS=1";
}

}  // namespace

void write_text(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

void replace_in(const fs::path& file, const std::string& old_text, const std::string& new_text) {
  std::string text = read_text(file);
  const std::size_t at = text.find(old_text);
  if (at == std::string::npos) throw std::logic_error(file.string() + " does not hold: " + old_text);
  write_text(file, text.replace(at, old_text.size(), new_text));
}

BadInput in_grid(std::string what, std::string old_text, std::string new_text, std::string message) {
  const std::string shown = new_text.empty() ? "" : new_text;
  return {std::move(what),
          shown,
          [=](const fs::path& folder) { replace_in(folder / "grid.yaml", old_text, new_text); },
          {},
          {},
          std::move(message)};
}

BadInput in_file(std::string what, std::string file, std::string text, std::string message) {
  return {
      std::move(what),   file + ":\n" + text, [=](const fs::path& folder) { write_text(folder / file, text); }, {}, {},
      std::move(message)};
}

}  // namespace peftgrid::tests
