#include "worker/methods/protocols.hpp"

#include <algorithm>

#include "worker/catalogue.hpp"

namespace peftgrid::worker {

namespace {

Protocol own_protocol() {
  Protocol p;
  p.training.warmup = 0.06;
  p.targets = "standardized";
  return p;
}

/// Mao et al., ACL 2022, and their scripts: the next 1,000 training rows behind the sample select, GLUE's development
/// rows are reported; where all rows train, the best of these is. transformers' Trainer: linear, no warm-up, no decay.
Protocol unipelt_protocol() {
  Protocol p;
  p.name = kUnipeltProtocol;
  p.training.epochs = 50;
  p.training.batch_size = 16;
  p.training.max_length = 128;
  p.training.weight_decay = 0;
  p.selection.order = "train_first";
  p.selection_of_all.from = "reported";
  p.selection_of_all.rows = 0;
  p.targets = "raw";
  return p;
}

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all{own_protocol(), unipelt_protocol()};
  return all;
}

}  // namespace

const Protocol* find_protocol(const std::string& name) {
  const auto found = std::ranges::find(protocols(), name, &Protocol::name);
  return found == protocols().end() ? nullptr : &*found;
}

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const Protocol& protocol : protocols()) {
    if (!protocol.name.empty()) names.push_back(protocol.name);
  }
  return names;
}

}  // namespace peftgrid::worker
