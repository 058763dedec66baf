#include "worker/methods/parts/principal.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/sqrt.h>

#include <deque>
#include <string>
#include <utility>

#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

constexpr std::size_t kRemembered = 600;  // of a model of 100 layers each target

struct Decomposed {
  at::Tensor u, s, v;
};

/// By content: what a grid trains on one base is decomposed once a process, however many trials ask.
const Decomposed& decomposed(const at::Tensor& weight) {
  static std::deque<std::pair<std::string, Decomposed>> known;
  const std::string key = checkpoint::sha256({static_cast<const char*>(weight.const_data_ptr()), weight.nbytes()});
  for (const auto& [hash, parts] : known) {
    if (hash == key) return parts;
  }
  if (known.size() == kRemembered) known.pop_front();
  // In double: single precision turns vectors of neighbouring singular values into each other, otherwise at each start.
  const auto [u, s, v] = at::linalg_svd(weight.to(at::kDouble), false);
  return known.emplace_back(key, Decomposed{u, s, v}).second;
}

}  // namespace

Principal principal_part(const at::Tensor& weight, std::int64_t rank, double scale) {
  const Decomposed& parts = decomposed(weight);
  const at::Tensor root = at::sqrt(parts.s.narrow(0, 0, rank) / scale);
  return {(parts.v.narrow(0, 0, rank) * root.unsqueeze(1)).to(at::kFloat).contiguous(),
          (parts.u.narrow(1, 0, rank) * root).to(at::kFloat).contiguous()};
}

}  // namespace peftgrid::worker
