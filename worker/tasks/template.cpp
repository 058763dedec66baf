#include "worker/tasks/template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "worker/errors.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

Template::Template(std::string_view text) {
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) parts_.push_back({std::move(literal)});
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool brace = text[at] == '{' || text[at] == '}';
    if (brace && at + 1 < text.size() && text[at + 1] == text[at])
      ++at;
    else if (brace) {
      const std::size_t close = text[at] == '{' ? text.find_first_of("{}", at + 1) : std::string_view::npos;
      if (close == std::string_view::npos || text[close] != '}' || close == at + 1) {
        throw UsageError(
            fmt::format("the template has a brace that is no slot at {}; a column's name in braces, {{question}}, "
                        "would be right, and "
                        "{{{{ stands for a brace",
                        in_quotes(text.substr(at, 20))));
      }
      end_literal();
      add_slot(std::string(text.substr(at + 1, close - at - 1)));
      at = close;
      continue;
    }
    literal += text[at];
  }
  end_literal();
}

void Template::add_slot(std::string name) {
  const auto found = std::ranges::find(slots_, name);
  const auto slot = static_cast<std::size_t>(found - slots_.begin());
  if (found == slots_.end()) {
    slots_.push_back(std::move(name));
  } else if (name == kAnswerSlot) {
    throw UsageError("the template has {answer} twice, and the first would give the second away; once would be right");
  }
  parts_.push_back({{}, slot, true});
}

Template::Rendered Template::render(std::span<const std::string> values) const {
  Rendered rendered;
  std::vector<bool> seen(slots_.size());
  rendered.first.resize(slots_.size());
  for (const Part& part : parts_) {
    const std::size_t begin = rendered.text.size();
    rendered.text += part.is_slot ? values[part.slot] : part.literal;
    if (!part.is_slot || seen[part.slot]) continue;
    seen[part.slot] = true;
    rendered.first[part.slot] = {begin, rendered.text.size()};
  }
  return rendered;
}

std::vector<std::string> template_slots(const std::string& text) {
  return Template(text).slots();
}

Template template_of(const TaskSpec& task) {
  if (!task.text_template.empty()) return Template(task.text_template);
  std::string text;
  for (std::size_t i = 0; i < task.text.size(); ++i) text += fmt::format("{{{}}} ", i);
  return Template(text + "{" + kAnswerSlot + "}");
}

}  // namespace peftgrid::worker
