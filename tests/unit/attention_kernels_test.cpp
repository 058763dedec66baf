// Attention's loops at every level of x86-64 that this processor runs, beside plain double precision.
#include <cstring>

#include "tests/support/plain_attention.hpp"
#include "tests/unit/kernel_levels.hpp"

namespace peftgrid::tests {
namespace {

using worker::kernels::AttentionShape;

class AttentionKernels : public Kernels {};
INSTANTIATE_TEST_SUITE_P(Levels, AttentionKernels, testing::ValuesIn(level_names()), level_name);

struct Setting {
  std::int64_t head_dim, extra;
  bool per_row;
  float dropout;
  double spread;          // of queries and keys: how sharp the softmax is
  double tolerance;       // a score's own rounding grows with the score
  bool one_asks = false;  // one token of each row instead of all
  bool causal = false;
  std::int64_t group = 1;  // heads that share their keys
  std::vector<std::int32_t> lengths = {1, 2, 5, 15, 16, 17, 31, 33, 48, 64, 70};
};

void expect_plain_attention(const Table& table, const Setting& setting) {
  const std::vector<std::int32_t>& lengths = setting.lengths;
  std::vector<std::int32_t> offsets{0};
  for (const std::int32_t length : lengths) offsets.push_back(offsets.back() + length);
  const auto rows = static_cast<std::int64_t>(lengths.size()), tokens = static_cast<std::int64_t>(offsets.back());
  constexpr std::int64_t kKeyHeads = 2;
  const std::int64_t heads = kKeyHeads * setting.group, width = heads * setting.head_dim;
  const std::int64_t key_width = kKeyHeads * setting.head_dim;
  const Owners owners(tokens);
  AttentionShape shape{};
  shape.rows = rows;
  shape.heads = heads;
  shape.kv_heads = kKeyHeads;
  shape.head_dim = setting.head_dim;
  shape.offsets = offsets.data();
  shape.causal = setting.causal;
  shape.extra = setting.extra;
  shape.extra_row_stride = setting.per_row ? setting.extra * key_width : 0;
  shape.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(setting.head_dim)));
  shape.dropout = setting.dropout;
  shape.stream = owners.stream();
  std::vector<std::int32_t> query;
  for (std::size_t r = 0; r < lengths.size(); ++r) query.push_back(static_cast<std::int32_t>(r * 7) % lengths[r]);
  if (setting.one_asks) shape.query = query.data();
  const std::int64_t lines = setting.one_asks ? rows : tokens;
  const std::int64_t extra = setting.extra * key_width * (setting.per_row ? rows : 1);
  const AttentionNumbers in{numbers(1, lines * width, setting.spread), numbers(2, tokens * key_width, setting.spread),
                            numbers(3, tokens * key_width), numbers(4, extra, setting.spread), numbers(5, extra)};
  const std::vector<float> up = numbers(6, lines * width);
  const PlainAttention plain = plain_attention(shape, in, up);

  const auto size = in.q.size(), keys = in.k.size();
  std::vector<float> out(size), kept(static_cast<std::size_t>(worker::kernels::attention_kept_size(shape)));
  AttentionNumbers g{std::vector<float>(size), std::vector<float>(keys), std::vector<float>(keys),
                     std::vector<float>(in.extra_k.size()), std::vector<float>(in.extra_v.size())};
  const auto data = [](auto& values) { return values.empty() ? nullptr : values.data(); };
  table.attention(shape, in.q.data(), in.k.data(), in.v.data(), data(in.extra_k), data(in.extra_v), out.data(),
                  kept.data());
  EXPECT_LT(relative(out, plain.out), setting.tolerance);
  std::vector<float> again(size);
  table.attention(shape, in.q.data(), in.k.data(), in.v.data(), data(in.extra_k), data(in.extra_v), again.data(),
                  nullptr);
  EXPECT_EQ(std::memcmp(out.data(), again.data(), size * sizeof(float)), 0) << "keeping weights changes the result";
  table.attention_backward(shape, in.q.data(), in.k.data(), in.v.data(), data(in.extra_k), data(in.extra_v),
                           kept.data(), up.data(), g.q.data(), g.k.data(), g.v.data(), data(g.extra_k),
                           data(g.extra_v));
  EXPECT_LT(relative(g.q, plain.q), setting.tolerance);
  EXPECT_LT(relative(g.k, plain.k), setting.tolerance);
  EXPECT_LT(relative(g.v, plain.v), setting.tolerance);
  EXPECT_LT(relative(g.extra_k, plain.extra_k), setting.tolerance);
  EXPECT_LT(relative(g.extra_v, plain.extra_v), setting.tolerance);
}

TEST_P(AttentionKernels, AreTheirFormula) {
  for (const std::int64_t head_dim : {8, 32, 64}) {
    for (const auto& [extra, per_row] : {std::pair{0, false}, {1, false}, {10, false}, {16, true}, {5, true}}) {
      for (const float dropout : {0.0F, 0.3F}) {
        SCOPED_TRACE(testing::Message() << "head_dim " << head_dim << ", extra " << extra << ", per row " << per_row
                                        << ", dropout " << dropout);
        for (const bool one_asks : {false, true}) {
          for (const bool causal : {false, true})
            expect_plain_attention(table(), {head_dim, extra, per_row, dropout, 1.5, 5e-6, one_asks, causal});
        }
      }
    }
  }
}

TEST_P(AttentionKernels, OfGroupedHeadsAreTheirFormula) {
  for (const std::int64_t head_dim : {12, 32}) {
    for (const auto& [extra, per_row] : {std::pair{0, false}, {10, false}, {5, true}}) {
      for (const bool one_asks : {false, true}) {
        for (const bool causal : {false, true})
          expect_plain_attention(table(), {head_dim, extra, per_row, 0.3F, 1.5, 5e-6, one_asks, causal, 3});
      }
    }
  }
}

TEST_P(AttentionKernels, OfRowsTooLongForTheirWeightsToBeKeptAreTheirFormula) {
  for (const bool one_asks : {false, true}) {
    for (const bool causal : {false, true})
      expect_plain_attention(table(), {16, 7, false, 0.3F, 1.5, 5e-6, one_asks, causal, 2, {20, 291, 250}});
  }
}

TEST_P(AttentionKernels, TakeScoresFarApart) {
  expect_plain_attention(table(), {32, 3, false, 0.0F, 12, 5e-5});
}

/// Layer norm of a sum and the gradient on it, one token.

}  // namespace
}  // namespace peftgrid::tests
