#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "worker/backbones/backbone.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The frozen tensors of a pretrained folder, mapped read-only: one copy a node, however many ranks map it. What is not
/// stored in the type that the precision asks for lies converted in a file of the cache, made once per node
/// (design.md 3.8).
class Base {
 public:
  virtual ~Base() = default;
  /// Products' weights in bf16 where the precision says so, everything else in fp32. On a device other than the CPU
  /// a copy of the mapping, one a rank.
  virtual const Weights& weights() const = 0;
  /// A private copy in fp32 in host memory, from the file's own numbers.
  virtual at::Tensor fp32_copy(const std::string& name) const = 0;
};

/// Maps the base of a trial; `architecture` names its tensors. Throws UsageError or checkpoint::FileError.
std::shared_ptr<const Base> open_base(const BackboneSpec& spec, const std::string& precision,
                                      const Backbone& architecture, at::Device device = at::kCPU);

}  // namespace peftgrid::worker
