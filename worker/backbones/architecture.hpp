#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/geometry.hpp"
#include "worker/objectives/kinds.hpp"
#include "worker/plan/config_reader.hpp"

/// The plan part of a backbone: everything about it that has a name, a shape or a number, and no tensor. One file an
/// architecture defines its Architecture; architectures.inc lists them.
namespace peftgrid::worker {

using Shape = std::vector<std::int64_t>;

/// One tensor of a pretrained model.
struct TensorFact {
  enum class Role : std::uint8_t { Embedding, Product, Bias, NormScale, NormShift };
  std::string name;     // "layer.3.query.weight", alike in all architectures
  std::string in_file;  // "encoder.layer.3.attention.self.query.weight", without the architecture's prefixes
  Shape shape;          // [out, in] for a product
  Role role = Role::Product;
  std::int64_t layer = -1;  // -1: before the first block; the number of layers: behind the last one
  // Where a file holds several of them in one tensor:
  std::string part{};          // what tells this one apart, "query"; empty: the tensor is a whole one
  std::int64_t first_row = 0;  // its first row there
  std::int64_t file_rows = 0;  // rows of the file's tensor; 0: shape[0]
  bool transposed = false;     // the file holds [in, rows], as Conv1D does

  /// Weight decay acts on it where it trains.
  bool decays() const { return role == Role::Embedding || role == Role::Product; }
  /// What a file's tensor must look like.
  Shape shape_in_file() const;
  /// As trial files call a trained copy of it: in_file, with `part` before its last word.
  std::string stored_as() const;
};

/// Rotary positions (Su et al., 2021).
struct RotaryConfig {
  std::int64_t turned = 0;  // numbers of each head that turn; 0: none do
  double base = 0;
  bool interleaved = false;  // pairs are (2 i, 2 i + 1), as in GLM; else (i, i + turned / 2), as in LLaMA
  enum class Scaling : std::uint8_t { None, Linear, Llama3 } scaling = Scaling::None;
  double factor = 1, low_factor = 1, high_factor = 4;  // the latter two of Llama3's scaling, as is
  std::int64_t original_positions = 0;                 // this one
  bool operator==(const RotaryConfig&) const = default;
};

/// What a config.json says, checked: every size is within bounds and the sizes agree. One struct for all; what an
/// architecture lacks stays at its default.
struct ModelConfig {
  std::int64_t vocabulary = 0, width = 0, layers = 0, heads = 0, ffn_width = 0;
  std::int64_t kv_heads = 0, head_dim = 0;  // of a decoder; an encoder's heads share out its width
  std::int64_t positions = 0;               // lines of their table; where they turn instead, the longest row
  std::int64_t first_position = 0;          // the line of a row's first token
  std::int64_t token_types = 0;             // lines of their table; 0: there is none
  std::int64_t pad_token = 0;
  std::int64_t padding_index = -1;     // where this token is looked up its line of words gets no gradient; -1: none
  bool pads_share_a_position = false;  // a padding token takes line pad_token of the table of positions
  bool ignores_types = false;          // its own tokenizer gives every token type 0: a table may have one line
  std::string activation;              // gelu (with erf) | gelu_new (with tanh) | relu | silu
  double norm_epsilon = 1e-12;
  /// Rates of dropout; without a value: there is none at that place, whatever rate is asked for.
  std::optional<double> embedding_dropout = 0.1, attention_dropout = 0.1, attention_branch_dropout = 0.1,
                        ffn_dropout = 0.1, head_dropout = 0.1;
  std::optional<double> inserted_head_dropout;  // before the head of GPT-1's inputs; encoders have none such
  BlockStyle style;
  bool root_mean_square = false;  // its norms are RMSNorm
  bool query_key_norm = false;    // each head's queries and keys are normed before they turn
  RotaryConfig rotary;
  bool held_to_window = false;  // `positions` is its sliding window
  bool tied_output = true;      // next tokens are predicted by the table of words

  /// All rates of dropout alike; below 0: as they are.
  void set_dropout(double rate);
  bool operator==(const ModelConfig&) const = default;
};

/// How an architecture's own class for sequence classification reads the first token where no pretrained pooler does:
/// dropout where it says so, a new dense layer and an activation; then dropout and a linear layer.
struct HeadStyle {
  enum class Activation : std::uint8_t { Tanh, Relu, Gelu };
  Activation activation = Activation::Tanh;
  bool dropout_before_dense = false;
  bool bias = true;  // of the last linear layer
};

struct Architecture {
  std::string name;                   // as config.json's model_type and trial files have it
  std::vector<std::string> prefixes;  // that files may put before names: "bert."
  bool pools = false;                 // pretrained with a pooler, which a folder may lack
  HeadStyle head;
  std::vector<std::string> readouts{"pooler", "cls", "mean", "last"};  // that make sense; the first is the default
  std::string input = kInputPlain;                                     // how its authors laid rows out for it
  std::string
      output_in_file;       // the table that predicts next tokens, where it is none of words; empty: it predicts none
  bool ties_output = true;  // whether that is the table of words, where config.json does not say
  ModelConfig (*read)(const ConfigReader&) = nullptr;
  /// Those of the forward pass; the pooler's only where `pooler`.
  std::vector<TensorFact> (*tensors)(const ModelConfig&, bool pooler) = nullptr;
  Geometry (*geometry)(const ModelConfig&, bool pooler) = nullptr;

  bool has_readout(const std::string& readout) const;
  /// The TensorFact::in_file of a tensor as a file calls it ("bert.embeddings.LayerNorm.gamma").
  std::string name_in_file(std::string name) const;
};

const std::vector<const Architecture*>& architectures();
/// Throws UsageError for a name that is none.
const Architecture& find_architecture(const std::string& name);

/// What of a pretrained model a trial reads beside its blocks.
struct ModelParts {
  bool pooler = false;  // the readout goes through it
  bool output = false;  // next tokens are predicted
};

/// A pretrained model as a trial reads it.
struct ModelFacts {
  const Architecture* architecture = nullptr;
  ModelConfig config;
  bool pooler = false;
  bool output = false;
  Geometry geometry;
  std::vector<TensorFact> tensors;

  ModelFacts() = default;
  ModelFacts(const Architecture& of, ModelConfig as, ModelParts parts);
  /// By its own name. Throws std::out_of_range for one that this model lacks: a programming error.
  const TensorFact& tensor(std::string_view name) const;
  std::int64_t parameters() const;
  /// The name of the table that predicts next tokens.
  const char* output_name() const { return config.tied_output ? "word.weight" : "output.weight"; }
};

/// What a folder's config.json describes.
struct ReadModel {
  const Architecture* architecture;
  ModelConfig config;
};
/// Parses and checks a config.json. Throws UsageError naming `where`, the key and what would be right.
ReadModel parse_model(std::string_view json, const std::string& where);
/// The file of a Hugging Face folder. Throws UsageError when there is none, too.
ReadModel read_model(const std::string& folder);
/// The names of a file's tensors, by what the architecture calls them (TensorFact::in_file). A prefix that some wrapper
/// has put before all of them ("module.", "0.auto_model.") is none of the model's, and taken off. Throws UsageError
/// naming `where` when two mean the same tensor.
std::map<std::string, std::string> names_in_file(const Architecture& architecture,
                                                 const std::vector<std::string>& names, const std::string& where);
/// Do the folder's weights hold a pretrained pooler?
bool holds_pooler(const Architecture& architecture, const std::vector<std::string>& names_in_file);

/// Numbers in a tensor of that shape.
std::int64_t elements(const Shape& shape);

}  // namespace peftgrid::worker
