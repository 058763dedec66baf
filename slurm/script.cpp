#include "slurm/script.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "slurm/templates.hpp"

namespace peftgrid::slurm {

namespace {

constexpr std::int64_t kMergeMinutes = 30;

std::string with_slashes_before(const std::string& text, const std::string& special, char slash) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) out += slash;
    out += c;
  }
  return out;
}

/// sbatch reads its own quotes and backslashes in #SBATCH lines.
std::string directive(const std::string& option, const std::string& value) {
  return "#SBATCH --" + option + "=\"" + with_slashes_before(value, "\"\\", '\\') + "\"\n";
}

/// A path in which sbatch is to replace nothing: a percent sign stands for itself when it is doubled.
std::string literal_path(const std::string& path) {
  return with_slashes_before(path, "%", '%');
}

/// Fills {{name}} in; `template_text` names no other.
std::string filled(std::string_view template_text, const std::map<std::string, std::string>& values) {
  std::string out;
  for (;;) {
    const std::size_t begin = template_text.find("{{");
    out += template_text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const std::size_t end = template_text.find("}}", begin);
    if (end == std::string_view::npos) throw std::logic_error("a template of slurm/ has {{ without }}");
    out += values.at(std::string(template_text.substr(begin + 2, end - begin - 2)));
    template_text.remove_prefix(end + 2);
  }
}

std::string lines(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& line : all) text += line + "\n";
  return text;
}

std::string words(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& word : all) text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

std::string directives(const BatchJob& job) {
  std::string text = directive("job-name", job.name) + directive("output", log_pattern(job)) +
                     directive("nodes", std::to_string(job.nodes)) +
                     directive("ntasks-per-node", std::to_string(job.ranks_per_node)) +
                     directive("cpus-per-task", std::to_string(job.threads)) + directive("time", job.time) +
                     directive("signal", "B:USR1@" + std::to_string(job.signal_before_s));
  if (job.shards > 0) text += directive("array", "1-" + std::to_string(job.shards));
  for (const auto& [option, value] : job.options) text += directive(option, value);
  return text;
}

/// What shapes the array's tasks is of no use to the one process of the merge.
std::string merge_directives(const BatchJob& job) {
  std::string text = directive("job-name", job.name + "-merge") + directive("output", merge_log_pattern(job)) +
                     directive("nodes", "1") + directive("ntasks", "1") +
                     directive("time", std::to_string(kMergeMinutes));
  for (const auto& [option, value] : job.options) {
    if (option != "gres" && option != "constraint") text += directive(option, value);
  }
  return text;
}

std::map<std::string, std::string> values_of(const BatchJob& job) {
  return {{"directives", directives(job)},
          {"prologue", lines(job.prologue)},
          {"program", shell_word(job.program)},
          {"run", shell_word(job.run)},
          {"arguments", words(job.arguments)},
          {"launcher", shell_word(job.launcher)},
          {"ranks_per_node", std::to_string(job.ranks_per_node)},
          {"shards", std::to_string(job.shards)},
          // Half of the time before the limit is left to the launcher and to Slurm.
          {"patience_s", std::to_string(std::max<std::int64_t>(1, job.signal_before_s / 2))}};
}

}  // namespace

std::string batch_script(const BatchJob& job) {
  auto values = values_of(job);
  values["rounds"] = filled(kRoundsTemplate, values);
  return filled(job.shards > 0 ? kArrayTemplate : kGridTemplate, values);
}

std::string merge_script(const BatchJob& job) {
  auto values = values_of(job);
  values["directives"] = merge_directives(job);
  return filled(kMergeTemplate, values);
}

std::string log_pattern(const BatchJob& job) {
  return literal_path(job.run) + "/slurm/job-" + (job.shards > 0 ? "%A_%a" : "%j") + ".log";
}

std::string merge_log_pattern(const BatchJob& job) {
  return literal_path(job.run) + "/slurm/merge-%j.log";
}

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+=:,@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace peftgrid::slurm
