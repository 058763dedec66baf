// Writes a run folder of 10,000 made-up trials as the program would leave it, for benches of what comes after training.
// Use: make_sample_run FOLDER [BYTES]      BYTES: of each trial's tensors, by default 32,000
#include <chrono>
#include <iostream>
#include <string>

#include "tests/support/sample_trials.hpp"

int main(int count, char** values) {
  if (count != 2 && count != 3) {
    std::cerr << "use: make_sample_run FOLDER [BYTES]\n";
    return 2;
  }
  peftgrid::tests::SampleOptions options;
  options.methods.emplace_back("prompt");
  options.tasks = {"sst2", "mrpc", "tickets", "mnli", "qnli"};
  options.train_sizes.clear();
  for (std::int64_t size = 100; size <= 2500; size += 100) options.train_sizes.push_back(size);
  options.seeds = 10;
  options.test_rows = 1000;
  options.tensor_values = (count == 3 ? std::stoll(values[2]) : 32'000) / 8;
  const auto run = peftgrid::tests::sample_run(options);
  const auto begin = std::chrono::steady_clock::now();
  peftgrid::tests::write_run(values[1], run);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::cout << run.records.size() << " trials, " << took.count() / static_cast<double>(run.records.size())
            << " ms to write each, unsynced\n";
  return 0;
}
