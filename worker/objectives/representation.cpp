#include "worker/objectives/representation.hpp"

#include "worker/objectives/readout.hpp"

namespace peftgrid::worker {

at::Tensor representation(const Backbone& backbone, const std::string& readout, const Weights& weights,
                          const Batch& batch, const Sites& sites) {
  at::Tensor read;
  if (readout == kReadsMean) {
    read = row_means(backbone.hidden(weights, batch, sites), batch.own);
  } else {
    const ReadTokens tokens = readout == kReadsLast ? last_tokens(batch) : first_tokens(batch);
    read = backbone.hidden_of(tokens, weights, batch, sites);
  }
  if (backbone.facts().pooler) read = backbone.pooled(weights, sites, read);
  return sites.at({Site::Output, 0, read, read});
}

}  // namespace peftgrid::worker
