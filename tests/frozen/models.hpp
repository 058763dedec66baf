#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace peftgrid::tests {

struct FrozenBert {
  std::int64_t layers = 2, width = 16, heads = 2, ffn = 32;
  bool pooler = true;
  std::string activation = "gelu";
  std::string prefix = {};  // of its tensors' names in the file: "" or "bert."
};

/// config.json, model.safetensors and tokenizer.json of a random BERT: words `w0` to `w27`, 160 positions, dropout of
/// 0.15 behind dense layers, of 0.1 on attention and of 0.25 in front of the classifier. Numbers come from `name` and
/// the tensors' names alone. `folder` is made.
void write_frozen_bert(const std::filesystem::path& folder, const std::string& name, const FrozenBert& bert);

}  // namespace peftgrid::tests
