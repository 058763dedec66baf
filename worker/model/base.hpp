#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <string_view>

#include "worker/backbones/architecture.hpp"
#include "worker/model/weights.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// The frozen tensors of a pretrained folder, mapped read-only: one copy a node, however many ranks map it. What is not
/// stored in the type that the precision asks for lies converted in a file of the cache, made once per
/// node, or in this process where the cache takes no file.
class Base {
 public:
  virtual ~Base() = default;
  /// Products' weights in bf16 where the precision says so, everything else in fp32. On a device other than the CPU
  /// a copy of the mapping, one a rank.
  virtual const Weights& weights() const = 0;  // by TensorFact::name
  /// A private copy in fp32 in host memory, from the file's own numbers.
  virtual at::Tensor fp32_copy(std::string_view name) const = 0;
  /// Throws ChangedInput, naming the file, where what is mapped is no longer what the trials' ids were made of.
  virtual void check_unchanged() const = 0;
};

/// Maps those tensors of a folder that `model` names. Its content is checked against the hash in `spec`, and
/// that of a converted file against the hash it was written with. Throws ChangedInput, UsageError or
/// checkpoint::FileError.
std::shared_ptr<const Base> open_base(const BackboneSpec& spec, const std::string& precision, const ModelFacts& model,
                                      at::Device device = at::kCPU);

}  // namespace peftgrid::worker
