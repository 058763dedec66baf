// Under a causal mask, with every method.
#include "tests/contract/subjects.hpp"

namespace peftgrid::tests {
namespace {

class Causal : public Contract {
 protected:
  static bool is_causal(const Subject& subject) {
    return worker::inspect_backbone(subject.folder).model.geometry.causal;
  }

  /// Final hidden states of every token, [tokens, width].
  static at::Tensor hidden(Network& network, const std::vector<TestRow>& rows) {
    const worker::Batch batch = network.pack({network.rows(rows)});
    const worker::Sites sites({network.in_batch(false)}, batch);
    const auto own = network.method().own_weights(sites.pass_of(0));
    return network.backbone().hidden(own ? *own : network.base().weights(), batch, sites);
  }
};
INSTANTIATE_TEST_SUITE_P(Methods, Causal, testing::ValuesIn(methods_and_forms()));

TEST_P(Causal, NoTokenSeesALaterOne) {
  for (const Subject& subject : subjects()) {
    if (!is_causal(subject)) continue;
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, method());
    // A mean over the row's tokens is what these methods are published with.
    if (network.facts().whole_rows) continue;
    std::vector<TestRow> rows{some_rows(3).back()}, changed = rows;
    const std::size_t last = rows[0].ids.size() - 1;
    changed[0].ids[last] = (rows[0].ids[last] + 1) % 60;
    const at::Tensor before = hidden(network, rows), behind = hidden(network, changed);
    const auto seen = static_cast<std::int64_t>(last) + network.facts().prompt;
    EXPECT_EQ(values_of(before.narrow(0, 0, seen)), values_of(behind.narrow(0, 0, seen)));
    EXPECT_NE(values_of(before.narrow(0, seen, 1)), values_of(behind.narrow(0, seen, 1)));
  }
}

}  // namespace
}  // namespace peftgrid::tests
