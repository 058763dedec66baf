#pragma once

#include <string>

#include "worker/trial.hpp"

namespace peftgrid::orchestrator {

/// An option's value as labels and tables show it: "8", "0.1", "query+value".
std::string option_text(const worker::OptionValue& value);

}  // namespace peftgrid::orchestrator
