// Writes a small random BERT, a tiny task and a grid of many short trials into a folder: what fault tests and benches
// run. Use: make_tiny_world FOLDER [layers width heads ffn vocabulary]
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/support/tiny_model.hpp"

namespace {

void write_rows(const std::filesystem::path& file, int rows, int shift) {
  std::ofstream out(file);
  out << "text\tlabel\n";
  for (int i = 0; i < rows; ++i) {
    const int x = i + shift;
    out << (x % 2 == 0 ? "good" : "bad");
    for (int word = 0; word < 1 + x % 7; ++word) out << (x * 7 + word * 3) % 5 % 2 << (word % 2 == 0 ? " a" : " b");
    out << '\t' << x % 2 << '\n';
  }
}

}  // namespace

int main(int count, char** values) {
  if (count != 2 && count != 7) {
    std::cerr << "use: make_tiny_world FOLDER [layers width heads ffn vocabulary]\n";
    return 2;
  }
  peftgrid::tests::TinyModel bert;
  if (count == 7) {
    bert.layers = std::stoll(values[2]);
    bert.width = std::stoll(values[3]);
    bert.heads = std::stoll(values[4]);
    bert.ffn = std::stoll(values[5]);
    bert.vocabulary = std::stoll(values[6]);
  }
  const std::filesystem::path folder = values[1];
  std::filesystem::create_directories(folder);
  peftgrid::tests::write_tiny_model(folder / "model", bert);
  write_rows(folder / "train.tsv", 200, 0);
  write_rows(folder / "test.tsv", 60, 1000);
  std::ofstream(folder / "grid.yaml") << R"(run: tiny
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
  return 0;
}
