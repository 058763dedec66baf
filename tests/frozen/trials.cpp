#include "tests/frozen/trials.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_file.hpp"
#include "tests/golden/golden_numbers.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kProjections = 4, kHashDigits = 16;

/// Nine digits: enough to be compared to 1e-5, and a readable file. NaN, where nothing selects, is null.
json rounded(double value) {
  if (std::isnan(value)) return nullptr;
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return std::strtod(text, nullptr);
}

json rounded(const std::vector<double>& values) {
  json all = json::array();
  for (const double value : values) all.push_back(rounded(value));
  return all;
}

/// Sums under random signs over the root of their number: of the size of one value, and every value is in each of them.
/// Null for a key's bias, which moves all scores of a softmax alike: its gradient is nothing but rounding.
json projections(const checkpoint::KeptTensor& tensor) {
  if (tensor.name.find("key.bias") != std::string::npos) return nullptr;
  const auto sums = golden_projection(tensor.name, tensor.values);
  json all = json::array();
  for (std::size_t k = 0; k < kProjections; ++k) {
    all.push_back(rounded(sums[k] / std::sqrt(static_cast<double>(tensor.values.size()))));
  }
  return all;
}

std::string hash_of(const json& exact) {
  return checkpoint::sha256(exact.dump()).substr(0, kHashDigits);
}

FrozenTrial frozen(const checkpoint::TrialRecord& record, const json& spec) {
  FrozenTrial trial;
  trial.values = {{"id", record.id},
                  {"state", record.state},
                  {"precision", spec.at("precision")},
                  {"steps", record.steps},
                  {"best_step", record.best_step},
                  {"trained_parameters", record.trained_parameters},
                  {"head_parameters", record.head_parameters},
                  {"training_tokens", record.training_tokens},
                  {"truncated_rows", record.truncated_rows}};
  json curve = json::array(), rounded_curve = json::array(), predictions = json::array(), tensors = json::array();
  for (const auto& point : record.curve) {
    curve.push_back({point.step, point.epoch, point.train_loss, point.selection_score});
    rounded_curve.push_back({point.step, rounded(point.train_loss), rounded(point.selection_score)});
  }
  for (const auto& test : record.tests) {
    predictions.push_back({test.labels, test.predictions});
    trial.values["labels"].push_back(rounded(test.labels));
    trial.values["predictions"].push_back(rounded(test.predictions));
  }
  for (const auto& tensor : record.tensors) {
    tensors.push_back({tensor.name, tensor.shape, projections(tensor)});
    trial.hashes["tensors"].push_back(tensor.sha256.substr(0, kHashDigits));
  }
  trial.values["curve"] = rounded_curve;
  trial.values["tensors"] = tensors;
  trial.hashes["curve"] = hash_of(curve);
  trial.hashes["predictions"] = hash_of(predictions);
  return trial;
}

/// "family 6, model 143": virtual machines call processors of several generations by one name.
std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  std::string family, model;
  for (std::string line; std::getline(info, line) && (family.empty() || model.empty());) {
    const std::string value = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
    if (line.starts_with("cpu family")) family = value;
    if (line.starts_with("model\t")) model = value;
  }
  return "family" + family + ", model" + model;
}

std::string machine_of(const json& environment) {
  return environment.at("cpu").get<std::string>() + ", " + processor_model() + "; torch " +
         environment.at("torch").get<std::string>() + "; " PEFTGRID_BUILT_BY;
}

void run(const fs::path& program, const std::string& launcher, const fs::path& folder, const fs::path& grid,
         const fs::path& out) {
  const std::string command = "env XDG_CACHE_HOME='" + (folder / "cache").string() + "' " + launcher + " '" +
                              program.string() + "' --grid '" + grid.string() + "' --out '" + out.string() +
                              "' --device cpu --threads 1 --progress plain --quiet 2>&1";
  std::FILE* shell = popen(command.c_str(), "r");
  if (shell == nullptr) throw std::runtime_error("no shell for " + command);
  std::string said;
  for (int c = 0; (c = std::fgetc(shell)) != EOF;) said += static_cast<char>(c);
  if (pclose(shell) != 0) throw std::runtime_error(command + " failed:\n" + said);
}

void compare(const json& frozen, const json& seen, double tolerance, const std::string& place,
             std::vector<std::string>& found) {
  if (frozen.is_number() && seen.is_number() && (frozen.is_number_float() || seen.is_number_float())) {
    const double was = frozen, is = seen;
    if (std::fabs(was - is) <= tolerance * (1 + std::fabs(was))) return;
  } else if (frozen.is_structured() && frozen.type() == seen.type() && frozen.size() == seen.size()) {
    const json was = frozen.flatten(), is = seen.flatten();
    for (const auto& [inner, value] : was.items()) {
      if (is.contains(inner)) {
        compare(value, is.at(inner), tolerance, place + inner, found);
      } else {
        found.push_back(place + inner + ": is gone");
      }
    }
    return;
  } else if (frozen == seen) {
    return;
  }
  found.push_back(place + ": " + seen.dump() + " was " + frozen.dump());
}

}  // namespace

FrozenRun run_frozen(const fs::path& program, const std::string& launcher, const fs::path& folder,
                     const std::vector<std::string>& grids) {
  FrozenRun all;
  for (const std::string& grid : grids) {
    const fs::path out = folder / ("run-" + grid + (launcher.empty() ? "" : "-launched"));
    run(program, launcher, folder, folder / (grid + ".yaml"), out);
    for (const auto& entry : fs::directory_iterator(out / "trials")) {
      const checkpoint::TrialRecord record = checkpoint::read_trial(entry.path());
      const json spec = json::parse(record.spec);
      const std::string name =
          grid + "/" + spec.at("backbone").at("name").get<std::string>() + "/" + spec.at("label").get<std::string>();
      if (!all.trials.emplace(name, frozen(record, spec)).second) {
        throw std::runtime_error("two trials are called " + name);
      }
      all.machine = machine_of(json::parse(record.environment));
    }
  }
  return all;
}

std::vector<std::string> differences(const json& frozen, const json& seen, double tolerance) {
  std::vector<std::string> found;
  for (const auto& [key, value] : frozen.items()) {
    if (seen.contains(key)) {
      compare(value, seen.at(key), tolerance, key, found);
    } else {
      found.push_back(key + ": is gone");
    }
  }
  return found;
}

double tolerance_of(const json& values) {
  return values.at("precision") == "bf16" ? 1e-2 : 1e-5;
}

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "peftgrid-frozen-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test under " + name);
  path_ = name;
}

}  // namespace peftgrid::tests
