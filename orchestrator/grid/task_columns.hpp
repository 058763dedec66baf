#pragma once

#include <string>
#include <vector>

#include "orchestrator/grid/yaml.hpp"
#include "worker/trial.hpp"

/// Which columns of its files a task reads, and what it predicts.
namespace peftgrid::orchestrator {

/// `text`, `choices` and `label`, or `template` and `answer`, as the task's kind has them. Its format, header and kind
/// are known. Throws worker::UsageError with place, what is wrong and what would be right.
void read_columns(const Node& node, worker::TaskSpec& task);

/// The value of a key that the task `name` must have; `what` says what to do where it has not.
const Node& required(const Node& task, const char* key, const std::string& name, const char* what);
/// Refuses a key, where it is there, that only some kinds of task have.
void only_for(const Node* node, const std::string& key, const std::string& kind, const std::vector<std::string>& kinds);

}  // namespace peftgrid::orchestrator
