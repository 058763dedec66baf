// What every method promises on every backbone.
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "checkpoint/sha256.hpp"
#include "tests/contract/subjects.hpp"
#include "worker/catalogue.hpp"
#include "worker/training/optim.hpp"

namespace peftgrid::tests {
namespace {

INSTANTIATE_TEST_SUITE_P(Methods, Contract, testing::ValuesIn(methods_and_forms()),
                         [](const auto& one) { return one.param; });

TEST_P(Contract, FreshIsTheIdentityWhereThatIsPromised) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network bare = network_on(subject, small_method("head"), 1, 0), fresh = network_on(subject, method(), 1, 0);
    const auto rows = some_rows(5);
    const double off = relative_difference(values_of(fresh.representation(rows)), values_of(bare.representation(rows)));
    if (fresh.facts().starts_as_base) {
      EXPECT_LT(off, 1e-6);
    } else {
      EXPECT_GT(off, 1e-5) << "adds nothing";  // Houlsby's weights are below 0.002
    }
  }
}

TEST_P(Contract, EveryParameterGetsAGradient) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, method());
    projected(network.logits(some_rows(8))).backward();
    for (const worker::Trained& p : network.parameters()) {
      ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
      const auto values = values_of(p.tensor.grad());
      EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](float g) { return g != 0; })) << p.name;
      EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float g) { return std::isfinite(g); })) << p.name;
    }
  }
}

/// The frozen tensors, byte by byte.
std::string hash_of(const Network& network) {
  std::string all;
  for (const auto& [name, tensor] : network.base().weights().all()) {
    all += name + checkpoint::sha256({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  return checkpoint::sha256(all);
}

TEST_P(Contract, TrainingLeavesTheBaseAsItWas) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, method(), 1, 0, 0.1);
    const std::string before = hash_of(network);
    const std::vector<float> start = values_of(network.parameters().back().tensor);
    worker::FlatParameters parameters(network.parameters());
    worker::TrainingSpec training;
    training.learning_rate = 0.05;
    worker::AdamW optimizer(parameters, training, 5);
    for (std::uint32_t step = 0; step < 5; ++step) {
      parameters.clear_gradients();
      projected(network.logits_of(network.representation(some_rows(6), true, step))).backward();
      optimizer.step();
    }
    EXPECT_EQ(hash_of(network), before);
    EXPECT_NE(values_of(network.parameters().back().tensor), start) << "nothing was trained";
    for (const auto& [name, tensor] : network.base().weights().all()) {
      EXPECT_FALSE(tensor.requires_grad()) << name;
      EXPECT_FALSE(tensor.grad().defined()) << name;
    }
  }
}

TEST_P(Contract, TrainsAsManyNumbersAsTheCatalogueSays) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    const Network network = network_on(subject, method());
    worker::TrialSpec spec;
    spec.method = method();
    spec.backbone.readout = subject.readout;
    spec.task.labels = {"a", "b", "c"};
    const auto counts = worker::count_trained(spec, worker::inspect_backbone(subject.folder));
    std::int64_t trained = 0, head = 0;
    for (const auto& p : network.method_parameters()) trained += p.tensor.numel();
    for (const auto& p : network.head_parameters()) head += p.tensor.numel();
    EXPECT_EQ(trained, counts.method);
    EXPECT_EQ(head, counts.head);
  }
}

TEST_P(Contract, NamesAreUniqueAndStandInTheSameOrderAtEveryStart) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    const auto names = [&](std::uint64_t seed) {
      std::vector<std::string> found;
      for (const auto& p : network_on(subject, method(), seed).parameters()) found.push_back(p.name);
      return found;
    };
    std::vector<std::string> first = names(1);
    EXPECT_EQ(first, names(2));
    std::sort(first.begin(), first.end());
    EXPECT_EQ(std::adjacent_find(first.begin(), first.end()), first.end());
  }
}

/// By the words that files of some architecture or methods of ours have for biases, norms and what changes them.
bool is_spared(const std::string& name) {
  const auto holds = [&](const char* word) { return name.find(word) != std::string::npos; };
  const auto ends = [&](const char* word) { return name.ends_with(word); };
  return holds("bias") || holds("LayerNorm") || holds("layer_norm") || holds("layernorm") || holds(".ln_") ||
         holds("ln_f.") || holds("_norm.") || name == "norm.weight" || ends("scale_change") || ends("shift_change") ||
         ends("magnitude") || ends(".gate");
}

TEST_P(Contract, DecaySparesBiasesAndNorms) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    for (const auto& p : network_on(subject, method()).parameters()) {
      EXPECT_EQ(p.decays, !is_spared(p.name)) << p.name;
    }
  }
}

TEST_P(Contract, TheSeedAloneDecidesTheStart) {
  const Subject& subject = subjects().front();
  const auto start = [&](std::uint64_t seed) {
    std::vector<float> all;
    for (const auto& p : network_on(subject, method(), seed, 0).parameters()) {
      const auto values = values_of(p.tensor);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  EXPECT_EQ(start(3), start(3));
  EXPECT_NE(start(3), start(4));
}

TEST_P(Contract, LoadedValuesGiveTheSameOutput) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network saved = network_on(subject, method(), 1), loaded = network_on(subject, method(), 2);
    const auto rows = some_rows(5);
    EXPECT_NE(values_of(saved.logits(rows)), values_of(loaded.logits(rows)));
    const auto from = saved.parameters(), to = loaded.parameters();
    for (std::size_t i = 0; i < from.size(); ++i) set_values(to[i].tensor, values_of(from[i].tensor));
    EXPECT_EQ(values_of(saved.logits(rows)), values_of(loaded.logits(rows)));
  }
}

std::optional<std::string> reason_against(const worker::MethodSpec& method, const Subject& subject) {
  worker::TrialSpec spec;
  spec.method = method;
  spec.backbone.readout = subject.readout;
  return worker::does_not_apply(spec, worker::inspect_backbone(subject.folder));
}

TEST_P(Contract, WhatDoesNotApplyHasAReason) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    const auto reason = reason_against(method(), subject);
    if (reason) {
      EXPECT_GT(reason->size(), 10U);
    } else {
      EXPECT_NO_THROW(network_on(subject, method()));
    }
  }
}

TEST(Applying, BitFitOfAPoolerThatIsNotThereIsAHoleWithItsReason) {
  worker::MethodSpec method = small_method("bitfit");
  method.options["biases"] = std::vector<std::string>{"pooler"};
  for (const Subject& subject : subjects()) {
    const auto reason = reason_against(method, subject);
    EXPECT_EQ(reason.has_value(), subject.readout != "pooler" || !subject.pooler) << subject.name;
    if (reason) {
      EXPECT_NE(reason->find("pooler"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace peftgrid::tests
