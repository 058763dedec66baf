#include "orchestrator/launch/process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "orchestrator/launch/launch.hpp"

namespace peftgrid::orchestrator {

std::optional<ProcessFacts> process_facts(std::int64_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(in, text)) return std::nullopt;
  // Behind the name, which may hold anything: state first, then the parent; the start time is the twentieth field.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  ProcessFacts facts;
  fields >> facts.state >> facts.parent;
  std::string skipped;
  for (int i = 0; i < 17; ++i) fields >> skipped;
  fields >> facts.start;
  return facts;
}

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

std::string pid_namespace() {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

ProcessId this_process() {
  const auto self = process_facts(getpid());
  return {host_name(), getpid(), self ? self->start : 0};
}

std::string to_json(const ProcessId& id) {
  return nlohmann::json{{"host", id.host}, {"pid", id.pid}, {"start", id.start}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ProcessId process_from_json(const std::string& text) {
  const nlohmann::json body = nlohmann::json::parse(text);
  return {body.at("host"), body.at("pid"), body.at("start")};
}

bool is_gone(const ProcessId& id) {
  if (id.host != host_name()) return false;
  const auto facts = process_facts(id.pid);
  return !facts || facts->start != id.start || facts->state == 'Z' || facts->state == 'X';
}

bool kill_process(const ProcessId& id) {
  if (id.host != host_name()) return false;
  const auto facts = process_facts(id.pid);
  return facts && facts->start == id.start && ::kill(static_cast<pid_t>(id.pid), SIGKILL) == 0;
}

}  // namespace peftgrid::orchestrator
