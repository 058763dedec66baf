#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "orchestrator/commands/submit_options.hpp"
#include "orchestrator/schedule/fit_time.hpp"
#include "orchestrator/schedule/speed.hpp"

namespace peftgrid::orchestrator {

/// Prints a text to where remarks go: not between the lines of a script on stdout.
using Tell = std::function<void(std::string_view)>;

/// What is predicted, and a warning with what would be right where the time is too short.
void tell_time(const Tell& tell, const SubmitOptions& options, const TimeFit& fit, std::size_t trials,
               const Speed& speed);

/// A warning for each thing that the job asks for in vain: GPUs that nothing uses, ranks without a GPU or a trial.
/// `parts` are what runs at once, each on ranks of its own.
void tell_waste(const Tell& tell, const SubmitOptions& options, const std::vector<std::vector<Job>>& parts);

}  // namespace peftgrid::orchestrator
