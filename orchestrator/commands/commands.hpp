#pragma once

#include <string>
#include <vector>

/// One function a command; each parses its own options (Boost.Program_options, guessing off), does its work and returns
/// the exit code of product.md section 1. Wrong input throws worker::UsageError, which main turns into exit code 2.
namespace peftgrid::orchestrator {

using Arguments = std::vector<std::string>;  // after the command's name

int run_command(const Arguments& arguments);
int plan_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int merge_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int compare_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int submit_command(const Arguments& arguments);

}  // namespace peftgrid::orchestrator
