#include "tests/support/sample_trials.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "checkpoint/publish.hpp"
#include "orchestrator/run/journal.hpp"
#include "orchestrator/run/run_folder.hpp"
#include "worker/tasks/metrics.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;

struct Taste {
  double score, learning_rate;
  std::int64_t parameters;
};
const std::map<std::string, Taste>& tastes() {
  static const std::map<std::string, Taste> all = {{"full", {0.80, 2e-4, 22'565'376}},
                                                   {"head", {0.70, 3e-3, 0}},
                                                   {"top_layers", {0.77, 3e-4, 3'548'928}},
                                                   {"lora", {0.795, 4e-3, 73'728}},
                                                   {"bitfit", {0.785, 4e-3, 30'720}},
                                                   {"pfeiffer", {0.79, 3e-3, 113'040}},
                                                   {"prefix", {0.74, 1e-2, 46'080}},
                                                   {"prompt", {0.71, 1e-2, 3'840}},
                                                   {"ia3", {0.78, 2e-2, 13'824}},
                                                   {"unipelt", {0.8, 2e-3, 242'088}},
                                                   {"none", {0.6, 0, 0}}};
  return all;
}

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11U) * 0x1p-53;
}

worker::TaskSpec sample_task(const std::string& name) {
  worker::TaskSpec task;
  task.name = name;
  task.format = "tsv";
  task.train = "/data/" + name + "/train.tsv";
  task.tests = {{"test", "/data/" + name + "/dev.tsv"}};
  task.text = {{"sentence", -1}};
  task.label = {"label", -1};
  task.labels = {"0", "1"};
  task.metrics = {"accuracy"};
  task.test_is_dev = true;
  task.data_sha256 = std::string(64, 'd');
  if (name == "mrpc") task.metrics = {"f1", "accuracy"};
  if (name == "mnli") {
    task.tests = {{"matched", "/data/mnli/m.tsv"}, {"mismatched", "/data/mnli/mm.tsv"}};
    task.labels = {"contradiction", "entailment", "neutral"};
  }
  if (name == "tickets") {
    task.test_is_dev = false;
    task.labels = {"billing", "delivery", "other"};
    task.metrics = {"macro_f1", "accuracy"};
  }
  if (name == "stsb") {
    task.kind = "regression";
    task.targets = "standardized";
    task.labels.clear();
    task.metrics = {"spearman", "pearson"};
  }
  if (name == "prices") {
    task.kind = "regression";
    task.targets = "standardized";
    task.labels.clear();
    task.metrics = {"mae", "spearman", "mse"};
  }
  if (name == "stories") {
    task.kind = "language_model";
    task.text_template = "{answer}";
    task.loss = "all";
    task.labels.clear();
    task.metrics = {"perplexity"};
  }
  return task;
}

double metric(const std::string& name, const checkpoint::TestResult& test, std::size_t classes) {
  double right = 0, sum = 0, first_f1 = 0;
  for (std::size_t i = 0; i < test.labels.size(); ++i) right += test.labels[i] == test.predictions[i] ? 1 : 0;
  if (name == "accuracy") return right / static_cast<double>(test.labels.size());
  for (std::size_t c = 0; c < classes; ++c) {
    double hits = 0, either = 0;
    for (std::size_t i = 0; i < test.labels.size(); ++i) {
      const bool truly = test.labels[i] == static_cast<double>(c), said = test.predictions[i] == static_cast<double>(c);
      hits += truly && said ? 1 : 0;
      either += (truly ? 1 : 0) + (said ? 1 : 0);
    }
    const double f1 = either > 0 ? 2 * hits / either : 0;
    sum += f1;
    if (c == 1) first_f1 = f1;
  }
  return name == "f1" ? first_f1 : sum / static_cast<double>(classes);
}

void score(checkpoint::TestResult& test, const worker::TaskSpec& task) {
  test.metrics.clear();
  const bool classes = task.kind == "classification";
  for (const std::string& name : task.metrics) {
    const double value =
        !classes ? worker::metric(name, test.labels, test.predictions) : metric(name, test, task.labels.size());
    test.metrics.emplace_back(name, value);
  }
}

checkpoint::KeptTensor sample_tensor(const std::string& name, std::int64_t values, std::mt19937_64& random) {
  checkpoint::KeptTensor tensor;
  tensor.name = name;
  tensor.shape = {values / 8, 8};
  for (std::int64_t i = 0; i < values / 8 * 8; ++i) tensor.values.push_back(static_cast<float>(uniform(random) - 0.5));
  tensor.sha256 = checkpoint::sha256_of_values(tensor.values);
  return tensor;
}

void write_journal(const fs::path& folder, const SampleRun& run, const std::map<std::string, std::string>& failed) {
  using nlohmann::json;
  orchestrator::Journal journal(orchestrator::RunFolder{folder}.journal());
  journal.note("start", json{{"ranks", 2}, {"cores", 2}}.dump());
  journal.note("grid", orchestrator::grid_event(run.grid));
  for (const auto& [id, reason] : failed) {
    journal.note("failed", json{{"id", id}, {"reason", reason}, {"environment", true}}.dump());
  }
  journal.append("end", "{}");
}

void write_records(const fs::path& folder, const std::vector<checkpoint::TrialRecord>& records) {
  const orchestrator::RunFolder at{folder};
  fs::create_directories(at.trials());
  for (const auto& record : records) {
    const fs::path draft = checkpoint::draft_beside(at.trial(record.id));
    checkpoint::write_trial(draft, record);
    fs::rename(draft, at.trial(record.id));  // a thousand fsyncs would test the disk
  }
}

}  // namespace

worker::TrialSpec sample_spec(const std::string& method, const std::string& task, std::int64_t train_size,
                              std::uint64_t seed) {
  worker::TrialSpec spec;
  spec.label = method;
  spec.backbone = {"minilm", "/models/minilm", "bert", "mean", std::string(64, 'a'), std::string(64, 'b')};
  spec.task = sample_task(task);
  spec.method.name = method;
  if (method == "lora") spec.method.options = {{"rank", std::int64_t{8}}, {"alpha", std::int64_t{16}}};
  spec.train_size = train_size;
  spec.seed = seed;
  spec.data_seed = seed;
  spec.training.learning_rate = tastes().at(method).learning_rate;
  spec.id = worker::trial_id(spec);
  spec.cell = worker::cell_id(spec);
  return spec;
}

checkpoint::TrialRecord sample_record(const worker::TrialSpec& spec, double accuracy, const SampleOptions& options) {
  std::mt19937_64 random(std::stoull(spec.id, nullptr, 16));
  checkpoint::TrialRecord record;
  record.id = spec.id;
  record.state = "done";
  record.spec = worker::to_json(spec);
  record.environment = nlohmann::json{{"program", "peftgrid"},
                                      {"numerics", worker::kNumericsVersion},
                                      {"commit", "0123456789ab"},
                                      {"host", "node1"},
                                      {"rank", 0},
                                      {"ranks", 2},
                                      {"cores", 2},
                                      {"cpu", "CPU one"},
                                      {"torch", "2.15.0"},
                                      {"mpi", "4.1.4"},
                                      {"hdf5", "1.10.8"},
                                      {"published_at", "2026-01-01T00:00:00Z"}}
                           .dump();
  const auto classes = spec.task.labels.size();
  for (const worker::TestFile& file : spec.task.tests) {
    checkpoint::TestResult test;
    test.name = file.name;
    std::mt19937_64 rows(7);  // labels belong to the task, not to the trial
    for (std::int64_t i = 0; i < options.test_rows; ++i) {
      if (spec.task.kind == "regression") {
        test.labels.push_back(5 * uniform(rows));
        test.predictions.push_back(test.labels.back() + 10 * (1 - accuracy) * (uniform(random) - 0.5));
        continue;
      }
      if (spec.task.kind == "language_model") {
        test.labels.push_back(std::floor(3 + 30 * uniform(rows)));
        test.predictions.push_back(test.labels.back() * (3 - accuracy + 0.1 * (uniform(random) - 0.5)));
        continue;
      }
      const double label = uniform(rows) < 0.2 ? 1 : std::floor(uniform(rows) * static_cast<double>(classes));
      test.labels.push_back(label);
      const bool right = uniform(random) < accuracy;
      test.predictions.push_back(right ? label : std::fmod(label + 1, static_cast<double>(classes)));
    }
    score(test, spec.task);
    record.tests.push_back(std::move(test));
  }
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
    record.curve.push_back({epoch * 20, static_cast<double>(epoch), 0.7 / static_cast<double>(epoch), accuracy});
  }
  record.tensors = {sample_tensor("layer.0.query", options.tensor_values, random),
                    sample_tensor("layer.0.value", options.tensor_values, random)};
  record.best_step = 60;
  record.steps = 60;
  record.trained_parameters = tastes().at(spec.method.name).parameters;
  record.head_parameters = 385 * static_cast<std::int64_t>(classes);
  record.stored_bytes = 8 * options.tensor_values;
  record.training_tokens = 20'391;
  record.truncated_rows = spec.task.name == "tickets" ? 4 : 0;
  record.training_s = 5 + uniform(random) + (spec.method.name == "full" ? 5 : 0);
  record.evaluation_s = 1 + uniform(random);
  record.total_s = record.training_s + record.evaluation_s;
  record.cpu_s = record.total_s;
  record.inference_rows_per_s = 300 + 50 * uniform(random);
  record.peak_memory_bytes = 250'000'000 + record.trained_parameters * 12;
  return record;
}

SampleRun sample_run(const SampleOptions& options) {
  SampleRun run;
  run.grid.run = "sample";
  run.grid.sha256 = std::string(64, 'c');
  std::mt19937_64 random(1);
  for (const std::string& task : options.tasks) {
    for (const std::string& method : options.methods) {
      for (const std::int64_t size : options.train_sizes) {
        orchestrator::Cell cell{"", "minilm", task, method, size, {}, {}};
        for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
          const worker::TrialSpec spec = sample_spec(method, task, size, seed);
          const double rows = size == 0 ? 5000 : static_cast<double>(size);
          const double accuracy = tastes().at(method).score + 0.03 * (std::log10(rows) - 2.5) +
                                  0.02 * (uniform(random) - 0.5) - (task == "mrpc" ? 0.06 : 0);
          cell.id = spec.cell;
          cell.trials.push_back(run.grid.trials.size());
          run.grid.trials.push_back(spec);
          run.records.push_back(sample_record(spec, accuracy, options));
        }
        run.grid.cells.push_back(cell);
      }
    }
  }
  return run;
}

void write_run(const fs::path& folder, const SampleRun& run) {
  fs::create_directories(folder);
  write_journal(folder, run, {});
  write_records(folder, run.records);
}

void write_troubled_run(const fs::path& folder, SampleRun run) {
  std::map<std::string, std::string> failed;
  std::vector<checkpoint::TrialRecord> kept;
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    const worker::TrialSpec& spec = run.grid.trials[i];
    checkpoint::TrialRecord& record = run.records[i];
    const bool here = spec.task.name == "mrpc" && spec.train_size == 100;
    if (here && spec.label == "prefix") {
      record.state = "diverged";
      record.reason = "the loss is not finite at step 17";
      record.tests.clear();
    }
    if (here && spec.label == "bitfit" && spec.seed != 1) {
      std::fill(record.tests[0].predictions.begin(), record.tests[0].predictions.end(), 1.0);
      score(record.tests[0], spec.task);
    }
    if (here && spec.label == "pfeiffer" && spec.seed == 2) {
      failed[spec.id] = "out of memory: 1,024 MB asked for, 512 MB left";
    } else if (!(here && spec.label == "lora" && spec.seed == 3)) {
      kept.push_back(record);
    }
  }
  run.grid.holes.push_back(
      {"minilm", "mrpc", "full", 5000, "mrpc has 3,668 training rows: 5,000 and 1,000 for selection do not fit"});
  run.grid.holes.push_back({"minilm", "tickets", "prompt", 100, "prompt does not apply to this backbone"});
  fs::create_directories(folder);
  write_journal(folder, run, failed);
  write_records(folder, kept);
  std::ofstream(orchestrator::RunFolder{folder}.trials() / "0000000000000bad.h5") << "not HDF5";
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "peftgrid.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = name;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace peftgrid::tests
