#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace peftgrid::worker {

/// What a config.json says of a BERT model, checked: every size is within bounds and the sizes agree.
struct BertConfig {
  std::int64_t vocabulary = 0, width = 0, layers = 0, heads = 0, ffn_width = 0, max_positions = 0, token_types = 2;
  std::string activation;  // gelu (with erf) | gelu_new (with tanh) | relu
  double norm_epsilon = 1e-12;
  double hidden_dropout = 0.1, attention_dropout = 0.1, head_dropout = 0.1;
};

/// Parses and checks a config.json. Throws UsageError naming `where`, the key and what would be right.
BertConfig parse_bert_config(std::string_view json, const std::string& where);
/// The file of a Hugging Face folder. Throws UsageError when there is none, too.
BertConfig read_bert_config(const std::string& folder);

/// A tensor that a BERT model has, by its canonical name: without the `bert.` prefix, LayerNorm as weight and bias.
using Shape = std::vector<std::int64_t>;
/// All tensors that must be there. The pooler's two are apart: it is optional.
std::map<std::string, Shape> bert_tensors(const BertConfig& config);
std::map<std::string, Shape> bert_pooler_tensors(const BertConfig& config);

/// The canonical name of a tensor as a file may call it ("bert.encoder.layer.0.output.LayerNorm.gamma").
std::string canonical_bert_name(std::string name);

}  // namespace peftgrid::worker
