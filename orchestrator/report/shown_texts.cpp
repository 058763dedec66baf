#include "orchestrator/report/shown_texts.hpp"

#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "worker/text.hpp"

namespace peftgrid::orchestrator {
namespace {

void show(std::string& text) {
  text = worker::shown(text);
}
void show(std::vector<std::string>& texts) {
  for (std::string& text : texts) show(text);
}
void show_all(std::initializer_list<std::string*> texts) {
  for (std::string* text : texts) show(*text);
}

void show_method(worker::MethodSpec& method) {
  show(method.name);
  std::map<std::string, worker::OptionValue> options;
  for (auto& [name, value] : method.options) {
    if (auto* text = std::get_if<std::string>(&value)) show(*text);
    if (auto* texts = std::get_if<std::vector<std::string>>(&value)) show(*texts);
    options.emplace(worker::shown(name), std::move(value));
  }
  method.options = std::move(options);
}

void show_spec(worker::TrialSpec& spec) {
  show_all({&spec.id, &spec.cell, &spec.label, &spec.precision, &spec.keep, &spec.device});
  show_all({&spec.backbone.name, &spec.backbone.path, &spec.backbone.architecture, &spec.backbone.readout,
            &spec.backbone.weights_sha256, &spec.backbone.tokenizer_sha256});
  show_all({&spec.task.name, &spec.task.kind, &spec.task.format, &spec.task.train, &spec.task.validation,
            &spec.task.label.name, &spec.task.data_sha256});
  for (worker::TestFile& test : spec.task.tests) show_all({&test.name, &test.path});
  for (worker::Column& column : spec.task.text) show(column.name);
  show(spec.task.labels);
  show(spec.task.metrics);
  show_method(spec.method);
  show_all({&spec.training.schedule, &spec.selection.from});
}

void show_trial(StoredTrial& trial) {
  show_all({&trial.label, &trial.cpu, &trial.commit, &trial.record.state, &trial.record.reason});
  show(trial.record.warnings);
  for (checkpoint::TestResult& test : trial.record.tests) {
    for (auto& [metric, value] : test.metrics) show(metric);
  }
  show_spec(trial.spec);
}

void show_state(RunState& state) {
  show_all({&state.run, &state.job, &state.nodes});
  for (PlannedCell& cell : state.cells) {
    show_all({&cell.id, &cell.backbone, &cell.task, &cell.label});
    show(cell.trials);
  }
  for (Hole& hole : state.holes) show_all({&hole.backbone, &hole.task, &hole.label, &hole.reason});
  for (auto& [id, failed] : state.failed) show(failed.reason);
  show(state.lost);
  show(state.compare);
}

}  // namespace

void show_texts(Sources& sources) {
  for (StoredTrial& trial : sources.trials) show_trial(trial);
  for (RunState& state : sources.states) show_state(state);
  for (checkpoint::Conflict& conflict : sources.conflicts) show(conflict.id);
  for (checkpoint::Unreadable& unreadable : sources.unreadable) show(unreadable.reason);
}

}  // namespace peftgrid::orchestrator
