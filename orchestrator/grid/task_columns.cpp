#include "orchestrator/grid/task_columns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "orchestrator/grid/values.hpp"
#include "worker/catalogue.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

worker::Column read_column(const Node& node, const std::string& key, const worker::TaskSpec& task) {
  if (task.header || task.format == "jsonl") return {text_of(node, key), -1};
  return {"", static_cast<int>(integer_of(node, key + " (a column's number, as the file has no header)", 0, 9'999))};
}

void read_choices(const Node& node, worker::TaskSpec& task) {
  const Node& choices = required(node, "choices", task.name, "name the columns to choose from");
  for (const Node* column : items_of(choices, "choices")) {
    task.choices.push_back(read_column(*column, "a choice's column", task));
    if (std::ranges::count(task.choices, task.choices.back()) > 1 ||
        std::ranges::find(task.text, task.choices.back()) != task.text.end())
      column->fail("the column " + worker::in_quotes(column->scalar) + " is here twice");
  }
  if (task.choices.size() < 2) choices.fail("choices names one column; there must be two to choose from");
}

/// Columns to read, and the one to predict.
void read_texts(const Node& node, worker::TaskSpec& task) {
  for (const char* key : {"template", "answer", "loss"})
    only_for(node.find(key), key, task.kind, {worker::kLanguageModel});
  only_for(node.find("choices"), "choices", task.kind, {worker::kChoice});
  const Node& text = required(node, "text", task.name, "name the column to read, or two");
  for (const Node* column : items_of(text, "text")) {
    task.text.push_back(read_column(*column, "a text column", task));
    if (std::ranges::count(task.text, task.text.back()) > 1)
      column->fail("the column " + worker::in_quotes(column->scalar) + " is here twice");
  }
  if (task.text.size() > 2 && task.kind != worker::kChoice)
    text.fail(fmt::format("text names {} columns; one or two can be read", task.text.size()));
  if (task.kind == worker::kChoice) read_choices(node, task);
  task.label = read_column(required(node, "label", task.name, "name the column to predict"), "label", task);
  const bool among_texts = std::ranges::find(task.text, task.label) != task.text.end();
  if (among_texts || std::ranges::find(task.choices, task.label) != task.choices.end())
    node.find("label")->fail("label and text name the same column; the label would be read from the text");
  if (const Node* symmetric = node.find("symmetric")) {
    only_for(symmetric, "symmetric", task.kind, {worker::kClassification, worker::kRegression});
    task.symmetric = boolean_of(*symmetric, "symmetric");
    if (task.symmetric && task.text.size() != 2) symmetric->fail("symmetric is for a pair; text names one column");
  }
}

/// A language model's columns: those of its template, and what `{answer}` stands for.
void read_template(const Node& node, worker::TaskSpec& task) {
  for (const char* key : {"text", "label", "choices", "symmetric"}) {
    const Node* other = node.find(key);
    if (other != nullptr)
      other->fail(fmt::format(
          "a language model reads the columns of its `template`, and predicts `answer`; leave out {}", key));
  }
  const Node& prompt = required(node, "template", task.name, "write the text to learn, \"{question} {answer}\"");
  task.text_template = text_of(prompt, "template");
  std::vector<std::string> slots;
  try {
    slots = worker::template_slots(task.text_template);
  } catch (const worker::UsageError& error) {
    prompt.fail(error.what());
  }
  if (slots.empty())
    prompt.fail("the template has no slot, and every row would be the same text; \"{text}\" would be right");
  const Node* answer = node.find("answer");
  const bool asks = std::ranges::find(slots, worker::kAnswerSlot) != slots.end();
  if (answer != nullptr && !asks) answer->fail("answer names what `{answer}` stands for, and the template has none");
  if (answer != nullptr && std::ranges::find(slots, answer->scalar) != slots.end() &&
      answer->scalar != worker::kAnswerSlot)
    answer->fail(fmt::format(
        "the template has both {{answer}} and {{{0}}}, and answer names {0}; it would be read from the text",
        answer->scalar));
  if (const Node* loss = node.find("loss")) task.loss = choice_of(*loss, "loss", {"answer", "all"});
  if (!asks && node.find("loss") != nullptr && task.loss == "answer")
    node.find("loss")->fail("the template has no `{answer}`; `loss: all` would be right");
  // Without an answer all is predicted, and its last column stands for it.
  if (!asks) task.loss = "all";
  const std::string predicted =
      asks ? (answer == nullptr ? worker::kAnswerSlot : text_of(*answer, "answer")) : slots.back();
  const auto column = [&](const std::string& name, const Node& at) {
    Node named = at;
    named.kind = Node::Kind::Scalar;
    named.scalar = name;
    named.quoted = &at != &prompt && at.quoted;  // a slot's number stands in a text by its nature
    return read_column(named, "a column of the template", task);
  };
  task.label = column(predicted, answer == nullptr ? prompt : *answer);
  for (const std::string& slot : slots) {
    if (slot != worker::kAnswerSlot && slot != predicted) task.text.push_back(column(slot, prompt));
  }
}

}  // namespace

void only_for(const Node* node, const std::string& key, const std::string& kind,
              const std::vector<std::string>& kinds) {
  if (node == nullptr || std::ranges::find(kinds, kind) != kinds.end()) return;
  node->fail(fmt::format("{} {} for a {}; this task is a {}", key, key.ends_with('s') && key != "loss" ? "are" : "is",
                         fmt::join(kinds, " or a "), kind));
}

const Node& required(const Node& task, const char* key, const std::string& name, const char* what) {
  const Node* node = task.find(key);
  if (node == nullptr) task.fail(fmt::format("the task {} has no {}; {}", worker::in_quotes(name), key, what));
  return *node;
}

void read_columns(const Node& node, worker::TaskSpec& task) {
  if (task.kind == worker::kLanguageModel) {
    read_template(node, task);
  } else {
    read_texts(node, task);
  }
}

}  // namespace peftgrid::orchestrator
