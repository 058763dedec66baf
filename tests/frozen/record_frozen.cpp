// Runs the program of a commit over the frozen worlds and writes down, beside what frozen.json holds, the hashes of
// this machine; where there is no frozen.json, the values too. Use: record_frozen PROGRAM COMMIT frozen.json
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "tests/frozen/trials.hpp"
#include "tests/frozen/worlds.hpp"

namespace peftgrid::tests {
namespace {

using nlohmann::json;

/// An object with one entry a line, so that a change shows where it is.
void write_lines(std::ostream& out, const json& object) {
  const char* separator = "{\n";
  for (const auto& [name, value] : object.items()) {
    out << separator << json(name).dump() << ": " << value.dump();
    separator = ",\n";
  }
  out << "\n}";
}

void write_file(const std::filesystem::path& file, const json& frozen) {
  std::ofstream out(file);
  out << "{\"commit\": " << frozen.at("commit").dump() << ",\n\"trials\": ";
  write_lines(out, frozen.at("trials"));
  out << ",\n\"machines\": ";
  const char* separator = "{\n";
  for (const auto& [machine, hashes] : frozen.at("machines").items()) {
    out << separator << json(machine).dump() << ": ";
    write_lines(out, hashes);
    separator = ",\n";
  }
  out << "\n}}\n";
}

/// What was recorded elsewhere must hold here, too.
bool agrees(const json& frozen, const FrozenRun& run) {
  bool all = frozen.size() == run.trials.size();
  if (!all) std::cerr << "frozen.json holds " << frozen.size() << " trials, " << run.trials.size() << " were trained\n";
  for (const auto& [name, trial] : run.trials) {
    for (const auto& what : differences(frozen.value(name, json::object()), trial.values, tolerance_of(trial.values))) {
      std::cerr << name << ": " << what << '\n';
      all = false;
    }
  }
  return all;
}

int record(const std::filesystem::path& program, const std::string& commit, const std::filesystem::path& file) {
  const ScratchFolder scratch;
  const auto grids = write_frozen_worlds(scratch.path());
  const FrozenRun run = run_frozen(std::filesystem::absolute(program), "", scratch.path(), grids);
  json frozen{{"commit", commit}, {"trials", json::object()}, {"machines", json::object()}};
  if (std::filesystem::exists(file)) {
    frozen = json::parse(std::ifstream(file));
    if (!agrees(frozen.at("trials"), run)) return 1;
  } else {
    for (const auto& [name, trial] : run.trials) frozen["trials"][name] = trial.values;
  }
  json& hashes = frozen["machines"][run.machine] = json::object();
  for (const auto& [name, trial] : run.trials) hashes[name] = trial.hashes;
  write_file(file, frozen);
  std::cout << run.trials.size() << " trials recorded on " << run.machine << '\n';
  return 0;
}

}  // namespace
}  // namespace peftgrid::tests

int main(int count, char** values) {
  if (count != 4) {
    std::cerr << "use: record_frozen PROGRAM COMMIT frozen.json\n";
    return 2;
  }
  try {
    return peftgrid::tests::record(values[1], values[2], values[3]);
  } catch (const std::exception& error) {  // caught, so that the scratch folder goes
    std::cerr << error.what() << '\n';
    return 1;
  }
}
