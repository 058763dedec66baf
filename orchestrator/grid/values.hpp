#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/grid/yaml.hpp"

/// Typed reading of a grid's values. `key` is the name for messages. All throw worker::UsageError with the place.
namespace peftgrid::orchestrator {

/// A scalar as it is written.
std::string text_of(const Node& node, const std::string& key);
/// One line of text that is not too long to be shown.
std::string line_of(const Node& node, const std::string& key);
std::int64_t integer_of(const Node& node, const std::string& key, double least, double most);
double real_of(const Node& node, const std::string& key, double least, double most);
bool boolean_of(const Node& node, const std::string& key);
/// One of a few words; a near miss is told the nearest.
std::string choice_of(const Node& node, const std::string& key, const std::vector<std::string>& choices);
/// Below how many points a difference does not matter.
double margin_of(const Node& node);
/// Over how many ranks trials are spread: `auto` (0: the plan chooses), or a number.
std::int64_t width_of(const Node& node);
std::string width_text(std::int64_t width);
/// A name of a run, backbone, task or method: short, printable, without the separators of the command line.
std::string name_of(const Node& node, const std::string& key);
/// The items of a list; anything else is a list of one. Never empty.
std::vector<const Node*> items_of(const Node& node, const std::string& key);
/// Refuses anything but a map, and keys that are not known: a reserved word is told so, others the nearest known one.
void check_keys(const Node& map, const std::string& what, const std::vector<std::string>& known);
/// "; did you mean "rank"?", or the known ones when none is near.
std::string suggestion(const std::string& name, const std::vector<std::string>& known);
/// The shortest text that reads back as the same number.
std::string number_text(double value);

}  // namespace peftgrid::orchestrator
