#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/catalogue.hpp"
#include "worker/trial.hpp"

namespace peftgrid::worker {

/// A text with slots, "Question: {question}\nAnswer: {answer}". `{{` and `}}` are braces; all else, special tokens'
/// names included, is literal.
class Template {
 public:
  /// Throws UsageError for a slot that does not close or has no name, and for a second `{answer}`.
  explicit Template(std::string_view text);

  /// The slots' names in the order of their first use, each once.
  const std::vector<std::string>& slots() const { return slots_; }

  /// A piece of what was rendered, in bytes.
  struct Span {
    std::size_t begin = 0, end = 0;
  };
  struct Rendered {
    std::string text;
    std::vector<Span> first;  // of each slot's first use
  };
  /// `values`: what stands for each slot, in the order of slots().
  Rendered render(std::span<const std::string> values) const;

 private:
  struct Part {
    std::string literal;
    std::size_t slot = 0;
    bool is_slot = false;
  };
  void add_slot(std::string name);

  std::vector<Part> parts_;
  std::vector<std::string> slots_;
};

/// The template by which a causal model reads a task's rows: a language model's own; of a choice its texts and then
/// `{answer}`, one blank between two.
Template template_of(const TaskSpec& task);

}  // namespace peftgrid::worker
