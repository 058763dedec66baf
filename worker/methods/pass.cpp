#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

at::Tensor Pass::dropout(const at::Tensor& x, double rate, std::uint32_t where) const {
  if (!training) return x;
  return worker::dropout(x, rate, stream(seed, Purpose::MethodDropout, where | part << 24U), step, *owners);
}

at::Tensor Pass::row_dropout(const at::Tensor& x, double rate, std::uint32_t where) const {
  if (!training || rate <= 0) return x.unsqueeze(0);
  const std::int64_t count = x.size(0), all = static_cast<std::int64_t>(rows->example.size());
  TokenOwners lines;
  for (const std::uint32_t example : rows->example) {
    for (std::int64_t i = 0; i < count; ++i) {
      lines.example.push_back(example);
      lines.position.push_back(static_cast<std::uint32_t>(i));
    }
  }
  const at::Tensor each = x.unsqueeze(0).expand({all, count, x.size(1)}).reshape({all * count, x.size(1)});
  const Key key = stream(seed, Purpose::MethodDropout, where | part << 24U);
  return worker::dropout(each, rate, key, step, lines).view({all, count, x.size(1)});
}

at::Tensor Pass::row_means(const at::Tensor& x) const {
  return worker::row_means(x, rows->own);
}

at::Tensor Pass::to_lines(const at::Tensor& x) const {
  return at::index_select(x, 0, rows->row_of_line);
}

}  // namespace peftgrid::worker
