#include "slurm/script.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "slurm/templates.hpp"

namespace peftgrid::slurm {

namespace {

/// What shapes the tasks of an array, or says when they begin: of no use to the one process of the merge.
constexpr std::array<std::string_view, 9> kNotForTheMerge = {
    "begin", "constraint", "dependency", "exclusive", "gpus", "mem-per-gpu", "nodelist", "ntasks-per", "sockets-per"};

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
  if (value.empty()) return "#SBATCH --" + option + "\n";
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
                     directive("cpus-per-task", std::to_string(job.cores_per_rank)) + directive("time", job.time) +
                     directive("signal", "B:USR1@" + std::to_string(job.signal_before_s));
  if (job.shards > 0) {
    const std::string at_once = job.shards_at_once > 0 ? "%" + std::to_string(job.shards_at_once) : "";
    text += directive("array", "1-" + std::to_string(job.shards) + at_once);
  }
  for (const auto& [option, value] : job.options) text += directive(option, value);
  return text;
}

/// "gpu:a100:4,nvme:2" with one GPU; "4" and "a100:4", as --gpus-per-node takes them, with one.
std::string one_gpu(const std::string& resources, bool all_are_gpus) {
  std::string out;
  for (std::size_t begin = 0; begin < resources.size();) {
    const std::size_t end = std::min(resources.find(',', begin), resources.size());
    std::string one = resources.substr(begin, end - begin);
    if (all_are_gpus || one.starts_with("gpu:")) {
      const std::size_t digits = one.find_last_not_of("0123456789") + 1;
      if (digits < one.size()) one = one.substr(0, digits) + "1";
    }
    out += (out.empty() ? "" : ",") + one;
    begin = end + 1;
  }
  return out;
}

bool is_for_the_merge(const std::string& option) {
  return std::ranges::none_of(kNotForTheMerge, [&](auto name) { return option.starts_with(name); });
}

std::string merge_directives(const BatchJob& job) {
  std::string text = directive("job-name", job.name + "-merge") + directive("output", merge_log_pattern(job)) +
                     directive("nodes", "1") + directive("ntasks", "1") +
                     directive("time", std::to_string(job.merge_minutes));
  for (const auto& [option, value] : job.options) {
    if (option == "gres" || option == "gpus-per-node") {
      text += directive(option, one_gpu(value, option != "gres"));
    } else if (is_for_the_merge(option)) {
      text += directive(option, value);
    }
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
          {"outer_job", std::string(kOuterJobTemplate)},
          {"cores_per_rank", std::to_string(job.cores_per_rank)},
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

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 127; });
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
