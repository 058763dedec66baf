#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "orchestrator/report/format.hpp"
#include "orchestrator/report/kept.hpp"
#include "orchestrator/report/writers.hpp"

namespace peftgrid::orchestrator {
namespace {

/// RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front.
std::string field(std::string_view text) {
  std::string content(text);
  if (!content.empty() && std::string_view("=+-@\t\r").find(content.front()) != std::string_view::npos) {
    content.insert(content.begin(), '\'');
  }
  if (content.find_first_of(",\"\r\n") == std::string::npos) return content;
  std::string quoted = "\"";
  for (const char c : content) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}
std::string number(const std::optional<double>& value) {
  return value ? number(*value) : "";
}
std::string size_field(std::int64_t train_size) {
  return train_size == 0 ? "all" : std::to_string(train_size);
}

std::string line(const std::vector<std::string>& fields) {
  return fmt::format("{}\n", fmt::join(fields, ","));
}

std::string notes_of(const ScoreTable& table, const ScoreCell& cell) {
  std::string text;
  for (const std::size_t note : cell.notes) text += (text.empty() ? "" : "; ") + table.notes[note];
  return text;
}

/// Columns of cells.csv that tell of the difference to the baseline.
constexpr const char* kAgainst =
    "baseline,difference,low,high,word,p_adjusted,shared_seeds,ahead_in,alone_low,alone_high,keeps,keeps_of_gain,sees";

std::vector<std::string> against_fields(const ScoreTable& table, const ScoreCell& cell, std::size_t index) {
  const ScoreColumn& column = table.columns[index];
  const auto& against = cell.verdict.against;
  if (!against) return std::vector<std::string>(13);
  const auto ahead = std::ranges::count_if(against->by_seed, [](double difference) { return difference > 0; });
  return {field(table.rules.baseline),
          number(against->comparison.difference),
          number(against->joint.low),
          number(against->joint.high),
          against->told_apart() ? field(word_text(against->word, column.margin, column.differences)) : "not told apart",
          number(against->p_adjusted),
          std::to_string(against->comparison.seeds),
          std::to_string(ahead),
          number(against->alone.low),
          number(against->alone.high),
          number(share_kept(table, index, cell)),
          number(gain_kept(table, index, cell)),
          number(sees(against->comparison))};
}

std::string low_of(const std::optional<Interval>& interval) {
  return interval ? number(interval->low) : "";
}
std::string high_of(const std::optional<Interval>& interval) {
  return interval ? number(interval->high) : "";
}

std::string rows_text(const ScoreTable& table, const std::vector<std::size_t>& rows) {
  std::string text;
  for (const std::size_t row : rows) text += (text.empty() ? "" : "; ") + table.rows[row].label;
  return text;
}

std::string cell_line(const ScoreTable& table, const MethodRow& row, std::size_t index) {
  const ScoreCell& cell = row.cells[index];
  const ScoreColumn& column = table.columns[index];
  const bool scored = cell.state == ScoreCell::State::Scored;
  const std::vector<double> worked = values_of(cell.scores), with_collapsed = values_of(cell.all_scores);
  const auto over_seeds = column.in_logs ? mean_interval_of_logs(worked) : mean_interval(worked);
  const Summary all = column.in_logs ? summarize_logs(with_collapsed) : summarize(with_collapsed);
  std::vector<std::string> fields = {field(table.backbone),
                                     size_field(table.train_size),
                                     field(row.label),
                                     field(column.task),
                                     field(column.test),
                                     field(column.metric),
                                     field(state_name(cell.state)),
                                     scored ? number(cell.summary.mean) : "",
                                     scored ? number(cell.summary.sd) : "",
                                     std::to_string(cell.summary.n),
                                     low_of(cell.interval),
                                     high_of(cell.interval),
                                     low_of(over_seeds),
                                     high_of(over_seeds),
                                     all.n > 0 ? number(all.mean) : "",
                                     std::to_string(cell.planned),
                                     std::to_string(cell.diverged),
                                     std::to_string(cell.undefined),
                                     std::to_string(cell.collapsed),
                                     std::to_string(cell.unmoved),
                                     cell.verdict.starred ? "*" : "",
                                     field(rows_text(table, cell.verdict.above)),
                                     std::to_string(column.rows),
                                     number(column.majority),
                                     low_of(cell.over_majority),
                                     high_of(cell.over_majority),
                                     low_of(cell.over_untrained),
                                     high_of(cell.over_untrained)};
  for (std::string& one : against_fields(table, cell, index)) fields.push_back(std::move(one));
  fields.push_back(field(notes_of(table, cell)));
  return line(fields);
}

/// "test accuracy", "matched accuracy": every metric that any trial stored.
std::set<std::string> metric_columns(const ReportModel& model) {
  std::set<std::string> columns;
  for (const StoredTrial& trial : model.trials) {
    for (const auto& test : trial.record.tests) {
      for (const auto& [metric, value] : test.metrics) columns.insert(test.name + " " + metric);
    }
  }
  return columns;
}

std::string trial_line(const StoredTrial& trial, const std::set<std::string>& metrics) {
  const checkpoint::TrialRecord& record = trial.record;
  const worker::TrialSpec& spec = trial.spec;
  std::vector<std::string> fields = {field(record.id),
                                     field(spec.backbone.name),
                                     field(spec.task.name),
                                     field(trial.label),
                                     size_field(spec.train_size),
                                     std::to_string(spec.seed),
                                     std::to_string(spec.data_seed),
                                     field(record.state),
                                     field(record.reason),
                                     number(spec.training.learning_rate),
                                     std::to_string(record.best_step),
                                     std::to_string(record.steps),
                                     std::to_string(record.trained_parameters),
                                     std::to_string(record.head_parameters),
                                     std::to_string(record.stored_bytes),
                                     std::to_string(record.training_tokens),
                                     std::to_string(record.truncated_rows),
                                     number(record.training_s),
                                     number(record.evaluation_s),
                                     number(record.total_s),
                                     number(record.cpu_s),
                                     std::to_string(spec.width),
                                     number(trial.rank_s),
                                     number(record.inference_rows_per_s),
                                     std::to_string(record.peak_memory_bytes),
                                     std::to_string(trial.ranks),
                                     std::to_string(trial.cores),
                                     field(trial.cpu),
                                     field(trial.commit),
                                     std::to_string(trial.numerics)};
  for (const std::string& wanted : metrics) {
    std::string value;
    for (const auto& test : record.tests) {
      for (const auto& [metric, stored] : test.metrics) {
        if (test.name + " " + metric == wanted) value = number(stored);
      }
    }
    fields.push_back(std::move(value));
  }
  return line(fields);
}

}  // namespace

std::string cells_csv(const ReportModel& model) {
  std::string text = fmt::format(
      "backbone,train_size,method,task,test,metric,state,mean,sd,seeds,score_low,score_high,t_low,t_high,mean_of_all,"
      "planned,diverged,undefined,one_class,nothing_trained,star,below,test_rows,majority,over_majority_low,"
      "over_majority_high,over_untrained_low,over_untrained_high,{},notes\n",
      kAgainst);
  for (const auto* tables : {&model.tables, &model.further}) {
    for (const ScoreTable& table : *tables) {
      for (const MethodRow& row : table.rows) {
        for (std::size_t i = 0; i < row.cells.size(); ++i) text += cell_line(table, row, i);
      }
    }
  }
  return text;
}

std::string trials_csv(const ReportModel& model) {
  const std::set<std::string> metrics = metric_columns(model);
  std::string text =
      "id,backbone,task,method,train_size,seed,data_seed,state,reason,learning_rate,best_step,steps,trained_parameters,"
      "head_parameters,stored_bytes,training_tokens,truncated_rows,training_s,evaluation_s,total_s,cpu_s,width,rank_s,"
      "inference_rows_per_s,peak_memory_bytes,ranks,cores,cpu,commit,numerics";
  for (const std::string& metric : metrics) text += "," + field(metric);
  text += "\n";
  for (const StoredTrial& trial : model.trials) text += trial_line(trial, metrics);
  return text;
}

}  // namespace peftgrid::orchestrator
