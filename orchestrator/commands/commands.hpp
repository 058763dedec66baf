#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/catalogue.hpp"

/// One function a command; each parses its own options (Boost.Program_options, guessing off), does its work and returns
/// the exit code that the README lists. Wrong input throws worker::UsageError, which main turns into exit code 2.
namespace peftgrid::orchestrator {

using Arguments = std::vector<std::string>;  // after the command's name

int run_command(const Arguments& arguments);
/// `measure`: a rank's speed on this machine, with so many threads; nothing where it has no such device. Where nothing
/// is measured or known, the usual one.
using Measure = std::optional<worker::ProductSpeed> (*)(bool bf16, std::int64_t threads, const std::string& device);
int plan_command(const Arguments& arguments, Measure measure = nullptr);
int status_command(const Arguments& arguments);
int merge_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int compare_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int submit_command(const Arguments& arguments);

}  // namespace peftgrid::orchestrator
