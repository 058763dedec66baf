#pragma once

#include <vector>

#include "worker/kernels/cpu/vector_kernels.hpp"

namespace peftgrid::tests {

/// Queries, keys and values of an AttentionShape, or their gradients.
struct AttentionNumbers {
  std::vector<float> q, k, v, extra_k, extra_v;  // extra_*: empty where there are none
};

/// Attention written down as its formula, in double precision, one number at a time.
struct PlainAttention {
  std::vector<double> out, q, k, v, extra_k, extra_v;  // the result, and gradients for `out_gradient`
};
PlainAttention plain_attention(const worker::kernels::AttentionShape& shape, const AttentionNumbers& in,
                               const std::vector<float>& out_gradient);

/// Number `index` of a stream at counters c1 and c2, by Random123 itself.
std::uint32_t plain_random(const worker::kernels::TokenStream& stream, std::int64_t index, std::uint32_t c1,
                           std::uint32_t c2);

}  // namespace peftgrid::tests
