#include "tests/support/plain_attention.hpp"

#include <algorithm>
#include <cmath>

#include "worker/model/randomness.hpp"

namespace peftgrid::tests {

namespace {

using worker::kernels::AttentionShape;

/// One query of one head: walks over the extra keys, then over the row's own.
class Query {
 public:
  Query(const AttentionShape& shape, const AttentionNumbers& in, std::int64_t row, std::int64_t head,
        std::int64_t query)
      : shape_(shape), in_(in), row_(row), head_(head), query_(query) {
    line_ = shape.query != nullptr ? row : shape.offsets[row] + query;
    count_ = shape.extra + (shape.keys != nullptr ? shape.keys[row] : shape.offsets[row + 1] - shape.offsets[row]);
    if (shape.causal) count_ = std::min(count_, shape.extra + query + 1);
  }

  void run(const std::vector<float>& out_gradient, PlainAttention& result) const {
    const std::vector<double> weights = softmax(), masks = dropout();
    std::vector<double> gradients(weights.size());
    double inner = 0;
    for (std::int64_t j = 0; j < count_; ++j) {
      const auto at = static_cast<std::size_t>(j);
      for (std::int64_t c = 0; c < shape_.head_dim; ++c) {
        const double up = static_cast<double>(out_gradient[own(line_, c)]);
        result.out[own(line_, c)] += weights[at] * masks[at] * value(j, c);
        gradients[at] += up * masks[at] * value(j, c);
        (j < shape_.extra ? result.extra_v[extra(j, c)] : result.v[own_key(j, c)]) += weights[at] * masks[at] * up;
      }
      inner += gradients[at] * weights[at];
    }
    for (std::int64_t j = 0; j < count_; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const double score = weights[at] * (gradients[at] - inner) * static_cast<double>(shape_.scale);
      for (std::int64_t c = 0; c < shape_.head_dim; ++c) {
        result.q[own(line_, c)] += score * key(j, c);
        (j < shape_.extra ? result.extra_k[extra(j, c)] : result.k[own_key(j, c)]) +=
            score * static_cast<double>(in_.q[own(line_, c)]);
      }
    }
  }

 private:
  std::vector<double> softmax() const {
    std::vector<double> scores;
    double highest = -INFINITY, sum = 0;
    for (std::int64_t j = 0; j < count_; ++j) {
      double score = 0;
      for (std::int64_t c = 0; c < shape_.head_dim; ++c) score += static_cast<double>(in_.q[own(line_, c)]) * key(j, c);
      scores.push_back(score * static_cast<double>(shape_.scale));
      highest = std::max(highest, scores.back());
    }
    for (double& score : scores) sum += score = std::exp(score - highest);
    for (double& score : scores) score /= sum;
    return scores;
  }

  std::vector<double> dropout() const {
    std::vector<double> masks(static_cast<std::size_t>(count_), 1.0);
    if (shape_.dropout <= 0) return masks;
    const std::uint32_t example = shape_.stream.example[shape_.offsets[row_]];
    // Numbers 64 b .. 64 b + 63 of a draw belong to four queries and the sixteen keys from 16 b.
    const std::uint32_t where = static_cast<std::uint32_t>(query_ / 4) | static_cast<std::uint32_t>(head_) << 16;
    const double rate = static_cast<double>(shape_.dropout);
    for (std::size_t j = 0; j < masks.size(); ++j) {
      const auto index = static_cast<std::int64_t>(j / 16 * 64 + static_cast<std::size_t>(query_ % 4) * 16 + j % 16);
      const auto bits = plain_random(shape_.stream, index, where, example);
      masks[j] = static_cast<double>(bits) < std::floor(rate * 0x1p32) ? 0 : 1 / (1 - rate);
    }
    return masks;
  }

  std::size_t own(std::int64_t token, std::int64_t c) const {
    return static_cast<std::size_t>((token * shape_.heads + head_) * shape_.head_dim + c);
  }
  /// Of a line of keys or values.
  std::int64_t in_line(std::int64_t line, std::int64_t c) const {
    const std::int64_t head = head_ / (shape_.heads / shape_.kv_heads);
    return (line * shape_.kv_heads + head) * shape_.head_dim + c;
  }
  std::size_t own_key(std::int64_t j, std::int64_t c) const {
    return static_cast<std::size_t>(in_line(shape_.offsets[row_] + j - shape_.extra, c));
  }
  std::size_t extra(std::int64_t j, std::int64_t c) const {
    return static_cast<std::size_t>(row_ * shape_.extra_row_stride + in_line(j, c));
  }
  double key(std::int64_t j, std::int64_t c) const {
    return static_cast<double>(j < shape_.extra ? in_.extra_k[extra(j, c)] : in_.k[own_key(j, c)]);
  }
  double value(std::int64_t j, std::int64_t c) const {
    return static_cast<double>(j < shape_.extra ? in_.extra_v[extra(j, c)] : in_.v[own_key(j, c)]);
  }

  const AttentionShape& shape_;
  const AttentionNumbers& in_;
  std::int64_t row_, head_, query_, line_, count_;
};

}  // namespace

PlainAttention plain_attention(const AttentionShape& shape, const AttentionNumbers& in,
                               const std::vector<float>& out_gradient) {
  const auto zeros = [](const std::vector<float>& like) { return std::vector<double>(like.size()); };
  PlainAttention result{zeros(in.q), zeros(in.q), zeros(in.k), zeros(in.v), zeros(in.extra_k), zeros(in.extra_v)};
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      if (shape.query != nullptr) {
        Query(shape, in, row, head, shape.query[row]).run(out_gradient, result);
        continue;
      }
      for (std::int64_t query = 0; query < shape.offsets[row + 1] - shape.offsets[row]; ++query) {
        Query(shape, in, row, head, query).run(out_gradient, result);
      }
    }
  }
  return result;
}

std::uint32_t plain_random(const worker::kernels::TokenStream& stream, std::int64_t index, std::uint32_t c1,
                           std::uint32_t c2) {
  // 64 numbers a block of 16 counters: word w of all of them, then word w + 1.
  const std::int64_t block = index / 64, word = index % 64 / 16, lane = index % 16;
  const worker::Four four =
      worker::philox({stream.key_a, stream.key_b}, static_cast<std::uint32_t>(block * 16 + lane), c1, c2, stream.step);
  return four.v[word];
}

}  // namespace peftgrid::tests
