// What a network makes is stored folded: without the network it gives the same logits.
#include <map>

#include "tests/contract/subjects.hpp"

namespace peftgrid::tests {
namespace {

/// Gives the stored tensors of one network to the trained ones of another, which are the same by name and shape.
void fold(Network& from, Network& into) {
  std::map<std::string, at::Tensor> stored;
  std::int64_t numbers = 0;
  for (const worker::Stored& one : from.method().stored()) {
    EXPECT_FALSE(one.values.requires_grad()) << one.name;
    stored[one.name] = one.values;
    numbers += one.values.numel();
  }
  EXPECT_EQ(numbers, from.facts().kept()) << "what the plan says is stored";
  EXPECT_LT(numbers, from.facts().trained());
  for (const worker::Trained& p : into.method_parameters()) {
    ASSERT_TRUE(stored.contains(p.name)) << p.name;
    set_values(p.tensor, values_of(stored.at(p.name)));
    stored.erase(p.name);
  }
  EXPECT_TRUE(stored.empty());
}

/// methods.md, "stored": the network can be dropped.
void expect_folded_alike(const worker::MethodSpec& with_network, const worker::MethodSpec& without) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network from = network_on(subject, with_network), into = network_on(subject, without, 2);
    fold(from, into);
    for (std::size_t i = 0; i < from.head_parameters().size(); ++i) {
      set_values(into.head_parameters()[i].tensor, values_of(from.head_parameters()[i].tensor));
    }
    const auto rows = some_rows(5);
    EXPECT_LE(relative_difference(values_of(into.logits(rows)), values_of(from.logits(rows))), 1e-6);
  }
}

TEST(Folding, APrefixStoredWithoutItsNetworkGivesTheSameLogits) {
  worker::MethodSpec with = small_method("prefix"), without = with;
  with.options["network_width"] = std::int64_t{12};
  expect_folded_alike(with, without);
}

TEST(Folding, SoDoesAPromptOfPtuning) {
  worker::MethodSpec without = small_method("prompt");
  without.options["length"] = small_method("ptuning").options.at("length");
  expect_folded_alike(small_method("ptuning"), without);
  expect_folded_alike(small_method("ptuning_by_an_mlp"), without);
}

TEST(Folding, SoDoesThatOfPtuningV2) {
  worker::MethodSpec with = small_method("ptuning_v2"), without = with;
  with.options["network_width"] = std::int64_t{12};
  expect_folded_alike(with, without);
}

}  // namespace
}  // namespace peftgrid::tests
