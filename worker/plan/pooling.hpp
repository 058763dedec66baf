#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace peftgrid::worker {

/// How a folder's side files say that its model is read.
struct StatedReadout {
  std::string readout;             // one of readouts(); empty: they state one that this program lacks
  std::string origin;              // of it: "default", or the file that states it, "1_Pooling/config.json"
  std::string refusal;             // where `readout` is empty: file, key and what would be right
  std::vector<std::string> notes;  // modules behind the pooling, prompts: what is stated and not done
};

/// Where a sentence-transformers folder keeps its model, by its modules.json; empty: in the folder itself.
std::string model_within(const std::filesystem::path& folder);

/// By sentence-transformers' modules.json, in the model's folder or, where that is one of its modules, beside it; or by
/// 1_Pooling/config.json where there is none. Both of the latter's formats are read: one key a mode
/// (`pooling_mode_mean_tokens: true`), and a key that names the mode (`pooling_mode: mean`). Throws UsageError where a
/// file cannot be read, or is not what it should be.
/// `fallback`: the architecture's own, where nothing is stated.
StatedReadout stated_readout(const std::filesystem::path& model, const std::string& fallback);

}  // namespace peftgrid::worker
