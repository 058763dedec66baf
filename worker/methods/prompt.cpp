#include <ATen/ops/empty.h>

#include <algorithm>

#include "worker/errors.hpp"
#include "worker/methods/method.hpp"
#include "worker/plan/options.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

/// The tokens of random numbers, one a vector.
std::vector<std::int32_t> drawn_tokens(Key key, std::int64_t count, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) {
    const Four four = philox(key, static_cast<std::uint32_t>(i), 0, 0, 0);
    ids.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(four.v[0]) % vocabulary));
  }
  return ids;
}

/// A text's own tokens, repeated or cut to `count`, as peft's TEXT does.
std::vector<std::int32_t> tokens_of(const std::string& text, std::int64_t count, const Borrow& base) {
  const std::vector<std::int32_t> own = base.ids_of(text);
  if (own.empty()) {
    throw TrialError(TrialError::Kind::Result, "the prompt's text " + in_quotes(text) + " has no token");
  }
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(own[static_cast<std::size_t>(i) % own.size()]);
  return ids;
}

at::Tensor vectors_of(const std::vector<std::int32_t>& tokens, const Borrow& base) {
  const at::Tensor ids = at::empty({static_cast<std::int64_t>(tokens.size())}, at::kLong);
  std::copy(tokens.begin(), tokens.end(), ids.mutable_data_ptr<std::int64_t>());
  return base.embedding(ids).clone();
}

/// Prompt tuning (Lester et al., EMNLP 2021): trained word-level vectors before the first token; the backbone adds
/// positions 0 .. length-1, types and its norm, and unless asked otherwise the readout stays at the real tokens. At
/// start N(0, 1) as in peft, or the vectors of words drawn from the vocabulary, or those of a text.
class Prompt : public Method {
 public:
  explicit Prompt(const MethodSetup& setup) : trained_(setup.facts.parameters) {
    const Key key = setup.start(0);
    const std::string& init = text_option(setup.spec, "init");
    const std::int64_t length = setup.facts.prompt;
    if (init == "random") {
      vectors_ = trained_.normal("prompt", key, 1.0);
    } else {
      const auto tokens = init == "text" ? tokens_of(text_option(setup.spec, "text"), length, setup.base)
                                         : drawn_tokens(key, length, setup.model.config.vocabulary);
      vectors_ = trained_.adopt("prompt", vectors_of(tokens, setup.base));
    }
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
