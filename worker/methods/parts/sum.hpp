#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// Several methods as one: what each adds is added, their keys and values stand one after the other. At most one of
/// them may have a prompt. Names are those of the parts behind their prefixes.
class Sum : public Method {
 public:
  struct Part {
    std::string prefix;    // "lora.", or nothing
    std::uint32_t number;  // Pass::part: by the part's kind, so that its random numbers are its own
    std::unique_ptr<Method> method;
  };
  explicit Sum(std::vector<Part> parts) : parts_(std::move(parts)) {}

  void begin(const Pass& pass) override;
  at::Tensor delta(const SiteCall& call, const Pass& pass) override;
  KeysValues extra_kv(std::int64_t layer, const at::Tensor& x, const Pass& pass) override;
  at::Tensor prompt() override;
  std::vector<Trained> parameters() const override;
  std::vector<Stored> stored() override;

 private:
  std::vector<Part> parts_;
};

/// Which part is which, whatever the method that is a sum of them.
inline constexpr std::uint32_t kPrefixPart = 1, kAdapterPart = 2, kLowRankPart = 3;

/// The facts of a part: of the tensors whose names begin with `prefix`, without it.
MethodFacts part_of(const MethodFacts& facts, const std::string& prefix);

}  // namespace peftgrid::worker
