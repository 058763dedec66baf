// Trials that share a pass, rows that share a batch: nobody's numbers depend on a neighbour.
#include <ATen/TensorOperators.h>

#include <cmath>
#include <limits>

#include "tests/contract/subjects.hpp"
#include "worker/model/outputs.hpp"

namespace peftgrid::tests {
namespace {

constexpr double kSame = 1e-5;  // products of other sizes round otherwise

/// One trial of a pass and its rows.
struct Passenger {
  Network* network;
  std::vector<TestRow> rows;
};

/// Several trials in one pass over the base of the first; returns each one's representation.
std::vector<at::Tensor> together(const std::vector<Passenger>& passengers, bool training) {
  std::vector<worker::TrialRows> packed;
  std::vector<worker::TrialInBatch> trials;
  for (const Passenger& p : passengers) {
    packed.push_back(p.network->rows(p.rows));
    trials.push_back(p.network->in_batch(training, 3));
  }
  const Network& first = *passengers.front().network;
  const worker::Batch batch = first.pack(packed);
  const worker::Sites sites(trials, batch);
  const at::Tensor all =
      worker::representation({first.backbone(), first.spec().readout, first.base().weights(), batch, sites});
  std::vector<at::Tensor> each;
  std::int64_t row = 0;
  for (const Passenger& p : passengers) {
    const auto rows = static_cast<std::int64_t>(p.rows.size());
    each.push_back(all.narrow(0, row, rows));
    row += rows;
  }
  return each;
}

/// A pass with two neighbours of other methods, the subject in the middle, beside the subject alone.
void expect_packed_as_alone(const Subject& subject, const worker::MethodSpec& method, bool training, double dropout) {
  const auto make = [&](const worker::MethodSpec& which, std::uint64_t seed) {
    return network_on(subject, which, seed, 0.1, dropout);
  };
  const auto rows = some_rows(4, 10);
  Network alone = make(method, 1);
  const at::Tensor reference = alone.logits_of(alone.representation(rows, training, 3));
  projected(reference).backward();

  for (const auto& [before, behind] : {std::pair{"prompt", "lora"}, {"prefix", "pfeiffer"}, {"bitfit", "prompt"}}) {
    SCOPED_TRACE(std::string("between ") + before + " and " + behind);
    Network mine = make(method, 1), left = make(small_method(before), 2), right = make(small_method(behind), 3);
    const auto each = together({{&left, some_rows(3)}, {&mine, rows}, {&right, some_rows(2, 5)}}, training);
    const at::Tensor logits = mine.logits_of(each[1]);
    EXPECT_LE(relative_difference(values_of(logits), values_of(reference)), kSame);
    (projected(logits) + projected(left.logits_of(each[0])) + projected(right.logits_of(each[2]))).backward();
    const auto ours = mine.parameters(), theirs = alone.parameters();
    EXPECT_LE(relative_difference(gradients_of(ours), gradients_of(theirs)), kSame);
  }
}

TEST_P(Contract, PackedEqualsAlone) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    if (network_on(subject, method()).runs_alone()) GTEST_SKIP() << "has weights of its own: alone by design";
    expect_packed_as_alone(subject, method(), false, 0);
  }
}

TEST_P(Contract, DropoutDoesNotDependOnNeighbours) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    if (network_on(subject, method()).runs_alone()) GTEST_SKIP() << "has weights of its own: alone by design";
    expect_packed_as_alone(subject, method(), true, 0.2);
  }
}

TEST_P(Contract, DropoutActsInTrainingAndChangesWithTheStep) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, method(), 1, 0.1, 0.2);
    const auto rows = some_rows(4);
    const auto drawn = [&](bool training, std::uint32_t step) {
      return values_of(network.representation(rows, training, step));
    };
    EXPECT_EQ(drawn(true, 1), drawn(true, 1));
    EXPECT_EQ(drawn(false, 1), drawn(false, 2));
    if (network.facts().base_in_evaluation) {
      EXPECT_EQ(drawn(true, 1), drawn(false, 1));
    } else {
      EXPECT_NE(drawn(true, 1), drawn(true, 2));
      EXPECT_NE(drawn(true, 1), drawn(false, 1));
    }
  }
}

TEST_P(Contract, MoreRowsChangeNothing) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, method(), 1, 0.1, 0.2);
    const auto rows = some_rows(7);
    for (const bool training : {false, true}) {
      const at::Tensor all = network.representation(rows, training, 2);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const at::Tensor alone = network.representation({rows[r]}, training, 2);
        EXPECT_LE(relative_difference(values_of(all.select(0, static_cast<std::int64_t>(r))), values_of(alone)), kSame);
      }
    }
  }
}

TEST_P(Contract, ANeighboursNanChangesNothing) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    if (network_on(subject, method()).runs_alone()) GTEST_SKIP() << "has weights of its own: alone by design";
    for (const char* neighbour : {"lora", "prefix", "prompt"}) {
      SCOPED_TRACE(std::string("beside a broken ") + neighbour);
      const auto rows = some_rows(4, 10);
      Network alone = network_on(subject, method()), mine = network_on(subject, method());
      Network broken = network_on(subject, small_method(neighbour), 2),
              last = network_on(subject, small_method(neighbour), 3);
      for (const Network* network : {&broken, &last}) {
        for (const auto& p : network->method_parameters())
          p.tensor.detach().fill_(std::numeric_limits<float>::quiet_NaN());
      }
      const auto each = together({{&broken, some_rows(3)}, {&mine, rows}, {&last, some_rows(2, 4)}}, false);
      EXPECT_TRUE(std::isnan(values_of(each[0])[0])) << "the neighbour is not broken";
      const at::Tensor reference = alone.logits_of(alone.representation(rows)), logits = mine.logits_of(each[1]);
      EXPECT_LE(relative_difference(values_of(logits), values_of(reference)), kSame);
      projected(reference).backward();
      (projected(logits) + projected(broken.logits_of(each[0])) + projected(last.logits_of(each[2]))).backward();
      EXPECT_LE(relative_difference(gradients_of(mine.parameters()), gradients_of(alone.parameters())), kSame);
    }
  }
}

/// As torch.nn.Embedding's padding_idx has it; the tiny models' is token 0.
TEST(PaddingTokens, InATextTrainNoLineOfWords) {
  for (const Subject& subject : subjects()) {
    Network network = network_on(subject, small_method("full"));
    std::vector<TestRow> rows = some_rows(3);
    rows[1].ids[1] = 0;
    projected(network.representation(rows)).backward();
    for (const worker::Trained& p : network.method_parameters()) {
      if (p.name != "word.weight") continue;
      const at::Tensor gradient = p.tensor.grad().to_dense();
      const bool has_index = network.backbone().facts().config.padding_index == 0;
      EXPECT_EQ(gradient[0].abs().sum().item<float>() == 0, has_index) << subject.name;
      EXPECT_GT(gradient[rows[1].ids[2]].abs().sum().item<float>(), 0) << subject.name;
    }
  }
}

}  // namespace
}  // namespace peftgrid::tests
