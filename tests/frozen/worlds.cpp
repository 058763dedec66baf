#include "tests/frozen/worlds.hpp"

#include <fstream>
#include <string_view>
#include <utility>

#include "tests/frozen/models.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

/// The kind of a row, of `kinds` kinds.
int kind_of(int row, int kinds) {
  return row * 7 % 30 * kinds / 30;
}

/// Words of a row. Each kind has a part of the vocabulary to itself, so that there is something to learn; two of
/// the thirty words are not in the vocabulary.
std::string text_of(int row, int kinds, int turn) {
  std::string text;
  const int words = 2 + (row * 5 + turn) % 8, each = 30 / kinds;
  for (int j = 0; j < words; ++j) {
    const int word = kind_of(row, kinds) * each + (row * (7 + turn) + j * 11 + row * j) % each;
    text += (j == 0 ? "w" : " w") + std::to_string(word);
  }
  return text;
}

void write_words(const fs::path& file, int from, int to) {
  std::ofstream out(file, std::ios::binary);
  out << "text\tlabel\n";
  for (int row = from; row < to; ++row)
    out << text_of(row, 2, 0) << '\t' << (kind_of(row, 2) == 0 ? "low" : "high") << '\n';
}

void write_pairs(const fs::path& file, int from, int to) {
  std::ofstream out(file, std::ios::binary);
  out << "first,second,label\n";
  for (int row = from; row < to; ++row) {
    out << text_of(row, 3, 0) << ",\"" << text_of(row, 3, 1) << "\"," << kind_of(row, 3) << '\n';
  }
}

void write_numbers(const fs::path& file, int from, int to) {
  std::ofstream out(file, std::ios::binary);
  for (int row = from; row < to; ++row) {
    out << R"({"text": ")" << text_of(row, 5, 2) << R"(", "label": )" << kind_of(row, 5)
        << (row % 2 == 0 ? ".25" : ".75") << "}\n";
  }
}

constexpr std::string_view kWordsTask =
    "tasks: [{name: words, train: words.tsv, test: words-test.tsv, text: text, label: label}]\n";
constexpr std::string_view kPairsTask =
    "tasks: [{name: pairs, train: pairs.csv, test: pairs-test.csv, text: [first, second], label: label, "
    "metrics: [macro_f1, accuracy, weighted_f1]}]\n";
constexpr std::string_view kNumbersTask =
    "tasks: [{name: numbers, train: numbers.jsonl, test: numbers-test.jsonl, validation: numbers-validation.jsonl, "
    "text: text, label: label, kind: regression, targets: raw}]\n";

/// Five steps an epoch, the last one of four rows; decay, clipping and warm-up at work. With so large an epsilon a
/// gradient that is nothing but rounding moves nothing, and the values hold on other machines.
constexpr std::string_view kTraining =
    "train_sizes: 36\nseeds: [3]\nkeep: all\n"
    "training: {epochs: 2, batch_size: 8, max_length: 16, learning_rate: 2.0e-2, weight_decay: 0.1, clip: 0.5, "
    "warmup: 0.2, epsilon: 1.0e-4}\n";

struct Grid {
  const char* name;
  std::string text;
};

/// Every method, its options, the program's own defaults (LoRA's rate as it was then: a later sweep chose another).
std::vector<Grid> grids_of_methods() {
  const std::string words(kWordsTask), training(kTraining);
  return {{"methods", "backbones: [{path: small}]\nselection: none\n" + words + training + R"(methods:
  - full: {learning_rate: 5.0e-3}
  - head
  - top_layers: {layers: 1}
  - lora: {name: lora}
  - lora: {name: lora_everywhere, rank: 4, alpha: 6, dropout: 0.2,
           targets: [query, key, value, attention_output, ffn_up, ffn_down]}
  - bitfit: {name: bitfit}
  - bitfit: {name: bitfit_some, biases: [pooler, ffn_up, query, embedding_norm]}
  - pfeiffer: {reduction: 4}
  - prefix: {length: 3}
  - prompt: {name: prompt_random, length: 3}
  - prompt: {name: prompt_vocabulary, length: 3, init: vocabulary}
)"},
          {"defaults", "backbones: [small]\n" + words + R"(train_sizes: 36
seeds: [1]
keep: all
selection: {rows: 12}
training: {max_steps: 4}
methods: [full, head, top_layers, lora: {learning_rate: 4.0e-3}, bitfit, pfeiffer, prefix, prompt]
)"}};
}

/// What is read of the model, and which model it is.
std::vector<Grid> grids_of_models() {
  const std::string words(kWordsTask), training(kTraining);
  return {{"readouts", R"(backbones:
  - {name: cls, path: small, readout: cls}
  - {name: mean, path: small, readout: mean}
  - {name: last, path: small, readout: last}
  - {name: new_pooler, path: without_pooler}
selection: none
)" + words + training + "methods: [full: {learning_rate: 5.0e-3}, head, lora, prompt: {length: 3}]\n"},
          {"activations", "backbones: [gelu_new, relu]\nselection: {rows: 12, every: 3}\n" + words + training +
                              "methods: [full: {learning_rate: 5.0e-3}, pfeiffer: {reduction: 2}]\n"},
          {"deep", "backbones: [deep]\nselection: none\n" + words + training +
                       "methods: [full: {learning_rate: 5.0e-3}, top_layers: {layers: 3}, lora: {rank: 4}, bitfit, "
                       "pfeiffer: {reduction: 4}, prefix: {length: 2}]\n"},
          {"bf16", "backbones: [small]\nprecision: bf16\nselection: none\n" + words + training +
                       "methods: [full: {learning_rate: 5.0e-3}, head, top_layers: {layers: 1}, lora, bitfit, "
                       "pfeiffer: {reduction: 4}, prefix: {length: 3}, prompt: {length: 3}]\n"}};
}

/// How it is trained, and on what.
std::vector<Grid> grids_of_training() {
  // Micro-batches of four and of one row in an epoch's last step; rows that are cut.
  const std::string pairs = std::string(kPairsTask) + R"(train_sizes: 21
seeds: [2]
keep: all
training: {epochs: 3, batch_size: 4, accumulate: 2, max_length: 12, learning_rate: 2.0e-2, weight_decay: 0.2, clip: 0.3,
           warmup: 3, schedule: cosine, beta1: 0.8, beta2: 0.99, epsilon: 1.0e-4, dropout: 0.2}
)";
  return {{"regression", "backbones: [small]\n" + std::string(kNumbersTask) + R"(train_sizes: 30
seeds: [4]
data_seed: 7
keep: all
selection: {from: validation, every: epoch, patience: 1}
training: {epochs: 3, batch_size: 8, max_length: 16, learning_rate: 2.0e-2, schedule: constant, clip: 0, epsilon: 1.0e-4}
methods: [full: {learning_rate: 5.0e-3}, head, lora, bitfit, prefix: {length: 3}]
)"},
          {"accumulate", "backbones: [small]\nselection: none\n" + pairs +
                             "methods: [full: {learning_rate: 5.0e-3}, head, lora, pfeiffer: {reduction: 4}, prefix: "
                             "{length: 3}]\n"},
          {"width", "backbones: [small]\nwidth: 3\nselection: {rows: 20, every: epoch}\n" + pairs +
                        "methods: [full: {learning_rate: 5.0e-3}, head, lora, prompt: {length: 3}]\n"}};
}

}  // namespace

std::vector<std::string> write_frozen_worlds(const fs::path& folder) {
  write_frozen_bert(folder / "small", "small", {});
  write_frozen_bert(folder / "without_pooler", "without_pooler", {.pooler = false});
  write_frozen_bert(folder / "gelu_new", "gelu_new", {.activation = "gelu_new"});
  write_frozen_bert(folder / "relu", "relu", {.activation = "relu", .prefix = "bert."});
  write_frozen_bert(folder / "deep", "deep", {.layers = 12, .width = 8, .ffn = 16});
  write_words(folder / "words.tsv", 0, 60);
  write_words(folder / "words-test.tsv", 100, 125);
  write_pairs(folder / "pairs.csv", 0, 50);
  write_pairs(folder / "pairs-test.csv", 100, 122);
  write_numbers(folder / "numbers.jsonl", 0, 40);
  write_numbers(folder / "numbers-validation.jsonl", 60, 75);
  write_numbers(folder / "numbers-test.jsonl", 100, 120);
  std::vector<std::string> names;
  for (const auto& grids : {grids_of_methods(), grids_of_models(), grids_of_training()}) {
    for (const Grid& grid : grids) {
      std::ofstream(folder / (std::string(grid.name) + ".yaml")) << "run: " << grid.name << '\n' << grid.text;
      names.emplace_back(grid.name);
    }
  }
  return names;
}

}  // namespace peftgrid::tests
