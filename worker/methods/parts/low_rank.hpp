#pragma once

#include <memory>

#include "worker/methods/method.hpp"

namespace peftgrid::worker {

/// LoRA (Hu et al., ICLR 2022): y += scale B A dropout(x) at every place whose "PLACE.lora_A" [r, in] and
/// "PLACE.lora_B" [out, r] the plan lists, one for sites of a fused matrix together or one for each. B = 0 at start, A
/// uniform in ±1/sqrt(in) as loralib and peft draw it.
std::unique_ptr<Method> make_low_rank(const MethodSetup& setup, double scale, double dropout);

}  // namespace peftgrid::worker
