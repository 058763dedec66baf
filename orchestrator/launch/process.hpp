#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace peftgrid::orchestrator {

/// What the kernel says of a process of this host. A pid alone may have been given to another since.
struct ProcessFacts {
  char state = 'X';  // Z: dead, not yet reaped; T: stopped
  std::int64_t parent = 0;
  std::int64_t start = 0;  // in ticks since boot
};
/// Nothing where there is no such process.
std::optional<ProcessFacts> process_facts(std::int64_t pid);

/// What a pid of this process's means: this boot of the kernel, and the PID namespace ("pid:[4026531836]"). Empty where
/// the kernel does not say.
std::string boot_id();
std::string pid_namespace();

/// One process among all hosts.
struct ProcessId {
  std::string host;
  std::int64_t pid = 0, start = 0;
};
ProcessId this_process();
/// As JSON, for the other ranks.
std::string to_json(const ProcessId& id);
/// Throws nlohmann::json::exception for a text that is none.
ProcessId process_from_json(const std::string& text);

/// Is that very process gone? False where it lives on another host, which this one cannot see.
bool is_gone(const ProcessId& id);
/// SIGKILL to that very process. False where it lives on another host, or no more.
bool kill_process(const ProcessId& id);

}  // namespace peftgrid::orchestrator
