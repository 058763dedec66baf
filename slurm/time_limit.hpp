#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace peftgrid::slurm {

/// What a job without a limit of its own has.
constexpr std::int64_t kUnlimited_s = std::numeric_limits<std::int64_t>::max();

/// Seconds of a time limit as sbatch takes it: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
/// "days-hours:minutes" or "days-hours:minutes:seconds"; kUnlimited_s where it is zero, "UNLIMITED" or "INFINITE".
/// Nothing where it is none of these.
std::optional<std::int64_t> parse_time_limit(std::string_view text);

/// "02:30:00" or "1-02:30:00": `seconds` rounded up to a minute, as sbatch takes it.
std::string time_limit_text(double seconds);

}  // namespace peftgrid::slurm
