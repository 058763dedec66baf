#include <ATen/ops/empty.h>

#include "worker/methods/methods.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// Prompt tuning (Lester et al., EMNLP 2021): trained word-level vectors before the first token; the backbone adds
/// positions 0 .. length-1, types and its norm, and the readout stays at the real tokens. At start N(0, 1) as in peft,
/// or the vectors of words drawn from the vocabulary.
class Prompt : public Method {
 public:
  Prompt(const MethodSpec& spec, const Borrow& borrow) {
    const std::int64_t length = integer_option(spec, "length"), width = borrow.geometry.width;
    const Key key = stream(borrow.seed, Purpose::MethodInit);
    if (text_option(spec, "init") == "random") {
      vectors_ = trained(normal(key, length * width, 1.0), {length, width});
      return;
    }
    at::Tensor ids = at::empty({length}, at::kLong);
    for (std::int64_t i = 0; i < length; ++i) {
      const Four four = philox(key, static_cast<std::uint32_t>(i), 0, 0, 0);
      ids.mutable_data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(four.v[0]) % borrow.vocabulary;
    }
    vectors_ = borrow.embedding(ids).clone().requires_grad_(true);
  }

  at::Tensor prompt() override { return vectors_; }
  std::vector<Trained> parameters() const override { return {{"prompt", vectors_}}; }

 private:
  at::Tensor vectors_;
};

}  // namespace

std::unique_ptr<Method> make_prompt(const MethodSpec& spec, const Borrow& borrow) {
  return std::make_unique<Prompt>(spec, borrow);
}

}  // namespace peftgrid::worker
