#include "worker/methods/parts/sum_plan.hpp"

#include <algorithm>

namespace peftgrid::worker {

void add_part(MethodFacts& sum, const std::string& prefix, const MethodFacts& part) {
  const std::int64_t kept = (sum.parameters.empty() ? 0 : sum.kept()) + part.kept();
  for (ParameterFact fact : part.parameters) {
    fact.name = prefix + fact.name;
    sum.parameters.push_back(std::move(fact));
  }
  sum.stored = kept;
  sum.token_products += part.token_products;
  sum.pass_products += part.pass_products;
  sum.extra_keys += part.extra_keys;
  sum.prompt += part.prompt;
  sum.position_shift = std::max(sum.position_shift, part.position_shift);
  sum.whole_rows |= part.whole_rows;
  sum.starts_as_base &= part.starts_as_base;
}

}  // namespace peftgrid::worker
