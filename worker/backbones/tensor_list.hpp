#pragma once

#include <string>
#include <vector>

#include "worker/backbones/architecture.hpp"

namespace peftgrid::worker {

/// Collects the tensors of a model, module by module.
class TensorList {
 public:
  /// A linear layer, or the part of one that a file's tensor holds (TensorFact::part and what follows it).
  void linear(const std::string& name, const std::string& in_file, const Shape& shape, std::int64_t layer,
              bool bias = true, const TensorFact& within = {}) {
    TensorFact weight = within, shift = within;
    weight.name = name + ".weight";
    weight.in_file = in_file + ".weight";
    weight.shape = shape;
    weight.role = TensorFact::Role::Product;
    weight.layer = shift.layer = layer;
    all_.push_back(std::move(weight));
    if (!bias) return;
    shift.name = name + ".bias";
    shift.in_file = in_file + ".bias";
    shift.shape = {shape[0]};
    shift.role = TensorFact::Role::Bias;
    shift.transposed = false;
    all_.push_back(std::move(shift));
  }
  void norm(const std::string& name, const std::string& in_file, std::int64_t width, std::int64_t layer,
            bool shift = true) {
    all_.push_back({name + ".weight", in_file + ".weight", {width}, TensorFact::Role::NormScale, layer});
    if (shift) all_.push_back({name + ".bias", in_file + ".bias", {width}, TensorFact::Role::NormShift, layer});
  }
  void table(const std::string& name, const std::string& in_file, std::int64_t lines, std::int64_t width) {
    all_.push_back({name + ".weight", in_file + ".weight", {lines, width}, TensorFact::Role::Embedding, -1});
  }
  std::vector<TensorFact> take() { return std::move(all_); }

 private:
  std::vector<TensorFact> all_;
};

}  // namespace peftgrid::worker
