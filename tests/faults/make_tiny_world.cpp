// Writes a small random BERT, or a LLaMA, tiny tasks and a grid of many short trials into a folder: what fault tests
// and benches run. Use: make_tiny_world FOLDER [decoder | layers width heads ffn vocabulary]
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/support/tiny_model.hpp"

namespace {

void write_rows(const std::filesystem::path& file, int rows, int shift) {
  std::ofstream out(file);
  out << "text\tone\ttwo\tlabel\n";
  for (int i = 0; i < rows; ++i) {
    const int x = i + shift;
    out << (x % 2 == 0 ? "good" : "bad");
    for (int word = 0; word < 1 + x % 7; ++word) out << (x * 7 + word * 3) % 5 % 2 << (word % 2 == 0 ? " a" : " b");
    out << '\t' << "abcd"[x % 4] << ' ' << "ef"[x % 2] << '\t' << "gh"[x % 2] << '\t' << x % 2 << '\n';
  }
}

constexpr const char* kEncoderGrid = R"(run: tiny
backbones: [model]
tasks:
  - {name: words, train: train.tsv, test: test.tsv, text: text, label: label}
methods: [full: {width: 3}, head: {width: 2}, top_layers: {layers: 1}, lora: {width: 2}, bitfit, pfeiffer: {reduction: 2},
          prefix, prompt]
train_sizes: [40, 80]
seeds: 2
selection: {rows: 20, every: epoch}
training: {epochs: 6, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}
)";

/// A language model, choices, and rows with inserted tokens and the auxiliary loss.
constexpr const char* kDecoderGrid = R"(run: tiny
backbones: [{path: model, input: gpt1}]
tasks:
  - {name: words, train: train.tsv, test: test.tsv, text: text, label: label, training: {auxiliary_lm: 0.5}}
  - {name: says, kind: language_model, train: train.tsv, test: test.tsv, template: "{text} says {answer}", answer: one}
  - {name: picks, kind: choice, train: train.tsv, test: test.tsv, text: text, choices: [one, two], label: label}
methods: [full: {width: 3}, lora: {width: 2}, prefix, ia3, none]
train_sizes: [40, 80]
seeds: 2
selection: {rows: 20, every: epoch}
training: {epochs: 6, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}
)";

int wrong_use() {
  std::cerr << "use: make_tiny_world FOLDER [decoder | layers width heads ffn vocabulary]\n";
  return 2;
}

}  // namespace

int main(int count, char** values) {
  const bool decoder = count == 3 && std::string(values[2]) == "decoder";
  if (count != 2 && count != 7 && !decoder) return wrong_use();
  peftgrid::tests::TinyModel model;
  if (decoder) model.architecture = "llama";
  if (count == 7) {
    model.layers = std::stoll(values[2]);
    model.width = std::stoll(values[3]);
    model.heads = std::stoll(values[4]);
    model.ffn = std::stoll(values[5]);
    model.vocabulary = std::stoll(values[6]);
  }
  const std::filesystem::path folder = values[1];
  std::filesystem::create_directories(folder);
  peftgrid::tests::write_tiny_model(folder / "model", model);
  write_rows(folder / "train.tsv", 200, 0);
  write_rows(folder / "test.tsv", 60, 1000);
  std::ofstream(folder / "grid.yaml") << (decoder ? kDecoderGrid : kEncoderGrid);
  return 0;
}
