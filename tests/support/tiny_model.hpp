#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace peftgrid::tests {

/// A model folder small enough to be written and trained in every test.
struct TinyModel {
  std::string architecture = "bert";
  std::int64_t layers = 2, width = 16, heads = 2, ffn = 32, vocabulary = 64, max_positions = 64;
  std::int64_t token_types = 0;  // lines of their table; 0: as the architecture usually has them
  std::uint64_t seed = 1;
  bool prefix = false;        // tensors have the prefix that the architecture puts before them: bert.*
  bool gamma_beta = false;    // LayerNorm as gamma and beta
  bool pooler = true;         // where the architecture has one
  bool extra = false;         // a tensor nobody asked for
  std::string dtype = "F32";  // F32 | F16 | BF16
  bool mean_pooling = false;  // writes 1_Pooling/config.json
};

/// Writes config.json, model.safetensors and tokenizer.json (WordPiece over the letters, lower case) into `folder`,
/// which is made where missing. The same options give the same bytes. `vocabulary` must be 59 at least. Returns
/// `folder`.
std::filesystem::path write_tiny_model(const std::filesystem::path& folder, const TinyModel& options = {});

/// An entry of a tokenizer.json's `added_tokens`: a special token.
nlohmann::json added_token(std::int64_t id, const std::string& content);

}  // namespace peftgrid::tests
