#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace peftgrid::tests {

/// One wrong input: a grid that is right but for one change, and the message it must get.
struct BadInput {
  std::string what;                                         // the mistake in words
  std::string shown;                                        // the wrong part, for docs/errors.md
  std::function<void(const std::filesystem::path&)> spoil;  // makes the mistake in a folder that is right
  std::vector<std::string> set, only;                       // command line
  std::string message;
  std::vector<std::string> command = {};  // a command of the program instead of the grid alone: its name and options
};

struct Section {
  std::string title;
  std::vector<BadInput> cases;
};

Section grid_mistakes();
Section method_mistakes();
Section task_mistakes();
Section command_line_mistakes();
Section kind_mistakes();
Section table_mistakes();
Section backbone_mistakes();
Section decoder_mistakes();
Section submit_mistakes();
Section merge_mistakes();

/// Replaces a text of a file, which must be there once.
void replace_in(const std::filesystem::path& file, const std::string& old_text, const std::string& new_text);
void write_text(const std::filesystem::path& file, const std::string& text);

/// A mistake in the grid file: `old_text` becomes `new_text`.
BadInput in_grid(std::string what, std::string old_text, std::string new_text, std::string message);
/// A file of the folder with other contents.
BadInput in_file(std::string what, std::string file, std::string text, std::string message);

/// The right grid that every mistake starts from; beside it data/train.csv, data/test.csv and models/tiny.
extern const char* const kRightGrid;

}  // namespace peftgrid::tests
