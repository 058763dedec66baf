#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "worker/trial.hpp"

namespace peftgrid::tests {

struct GoldenRow {
  std::vector<std::vector<std::int32_t>> sequences, types;  // one sequence, or one a choice, or a pair in both orders
  std::vector<std::int32_t> answers;                        // [sequences]: where their target tokens begin
  std::int64_t label = 0;
  float value = 0;
};

/// One case as a library computed it; make_golden.py tells what each thing is.
struct GoldenCase {
  std::string name, base, readout, activation;
  worker::MethodSpec method;
  double spread = 0;                      // of the method's given tensors; 0: they keep their start
  std::map<std::string, double> centres;  // of given tensors, by how their names end
  std::int64_t max_length = 64;
  bool pooler = true;         // the folder holds one
  std::string kind, targets;  // as TaskSpec has them; what is standardised is by all of its rows
  std::string input = "plain";
  std::int64_t outputs = 0;
  worker::TrainingSpec training;
  std::vector<GoldenRow> rows;
  std::vector<float> logits;  // [rows * outputs]; of a choice those that each row has
  double loss = 0;            // over all rows
  // Relative distances of the library's own fp32 from its float64, where they were taken; else 0.
  double fp32_logits = 0, fp32_gradients = 0;
  std::vector<double> losses;     // of ten steps, on the first half of the rows and the second in turn
  std::filesystem::path tensors;  // the file of its gradients

  /// Of the numbers that a tensor of the method is given.
  double centre_of(const std::string& tensor) const;
  /// "tiny/lora": cases that differ in readout or detail only.
  std::string group() const { return name.substr(0, name.find('/', name.find('/') + 1)); }
  /// Reference gradients by our tensors' names: whole on the tiny model, else norm, 16 numbers, 8 projections.
  std::map<std::string, std::vector<float>> gradients() const;
  /// What tensors started as in the reference, where its start is not ours to repeat (singular vectors have any sign).
  /// The numbers that a tensor is given are added to that.
  std::map<std::string, std::vector<float>> starts() const;
};

/// All cases in the files beside this one.
const std::vector<GoldenCase>& golden_cases();

/// A folder with the tiny model of a case; the caller's to delete.
void write_golden_model(const GoldenCase& golden, const std::filesystem::path& folder);

}  // namespace peftgrid::tests
