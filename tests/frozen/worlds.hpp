#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the frozen test trains: tiny BERTs, tables and grids, written by rules of their own. Nothing here may ever
/// change but by addition: every byte of a model, a tokenizer and a table enters the ids that are frozen.
namespace peftgrid::tests {

/// Writes models, tables and grids into `folder`, which is there and empty; returns the grids' names, each of which is
/// `folder`/NAME.yaml.
std::vector<std::string> write_frozen_worlds(const std::filesystem::path& folder);

}  // namespace peftgrid::tests
