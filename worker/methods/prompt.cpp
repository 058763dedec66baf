#include <ATen/ops/empty.h>

#include "worker/methods/method.hpp"
#include "worker/plan/options.hpp"

namespace peftgrid::worker {

namespace {

/// Prompt tuning (Lester et al., EMNLP 2021): trained word-level vectors before the first token; the backbone adds
/// positions 0 .. length-1, types and its norm, and the readout stays at the real tokens. At start N(0, 1) as in peft,
/// or the vectors of words drawn from the vocabulary.
class Prompt : public Method {
 public:
  explicit Prompt(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    const Key key = setup.start(0);
    if (text_option(setup.spec, "init") == "random") {
      vectors_ = trained_.normal("prompt", key, 1.0);
      return;
    }
    at::Tensor ids = at::empty({setup.facts.prompt}, at::kLong);
    for (std::int64_t i = 0; i < setup.facts.prompt; ++i) {
      const Four four = philox(key, static_cast<std::uint32_t>(i), 0, 0, 0);
      ids.mutable_data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(four.v[0]) % setup.model.config.vocabulary;
    }
    vectors_ = trained_.adopt("prompt", setup.base.embedding(ids).clone());
  }

  at::Tensor prompt() override { return vectors_; }
  std::vector<Trained> parameters() const override { return trained_.all(); }

 private:
  Parameters trained_;
  at::Tensor vectors_;
};

}  // namespace

std::unique_ptr<Method> make_prompt(const MethodSetup& setup) {
  return std::make_unique<Prompt>(setup);
}

}  // namespace peftgrid::worker
