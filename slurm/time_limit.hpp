#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peftgrid::slurm {

/// Seconds of a time limit as sbatch takes it: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
/// "days-hours:minutes" or "days-hours:minutes:seconds". Nothing where it is none of these, or zero.
std::optional<std::int64_t> parse_time_limit(std::string_view text);

/// "02:30:00" or "1-02:30:00": `seconds` rounded up to a minute, as sbatch takes it.
std::string time_limit_text(double seconds);

}  // namespace peftgrid::slurm
