#include "worker/tasks/row_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "worker/errors.hpp"
#include "worker/objectives/kinds.hpp"
#include "worker/tasks/template.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

EncodedSequence sequence_of(Encoded encoded, bool gives_types) {
  EncodedSequence sequence{std::move(encoded.ids), std::move(encoded.types)};
  if (!gives_types) std::ranges::fill(sequence.types, 0);
  sequence.first_target = static_cast<std::int32_t>(sequence.ids.size());
  return sequence;
}

std::string joined_texts(const Example& example) {
  std::string all;
  for (const std::string& text : example.texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

/// A text or a pair of texts, as the tokenizer puts them together; each choice is the second of such a pair.
class WholeTexts : public RowEncoder {
 public:
  WholeTexts(Tokenizer tokenizer, bool gives_types) : tokenizer_(std::move(tokenizer)), gives_types_(gives_types) {}

  EncodedRow encode(const Example& example) const override {
    EncodedRow row;
    row.label = example.label;
    const auto add = [&](std::string_view first, const std::string_view* second) {
      Encoded encoded = tokenizer_.encode(first, second);
      row.truncated |= encoded.truncated;
      row.sequences.push_back(sequence_of(std::move(encoded), gives_types_));
    };
    if (example.choices.empty()) {
      const std::string_view second = example.texts.back();
      add(example.texts.front(), example.texts.size() == 2 ? &second : nullptr);
    }
    const std::string context = joined_texts(example);
    for (const std::string_view choice : example.choices) add(context, &choice);
    return row;
  }

 private:
  Tokenizer tokenizer_;
  bool gives_types_;
};

/// Text by a template, tokenized whole: the ids are those of what was rendered. Where that is too long the columns'
/// texts are cut, the longest first; the template's own words never are.
class Templated : public RowEncoder {
 public:
  Templated(const TaskSpec& task, Tokenizer tokenizer, const RowLayout& layout)
      : task_(task), template_(template_of(task)), tokenizer_(std::move(tokenizer)), layout_(layout) {
    for (const std::string& slot : template_.slots()) text_of_slot_.push_back(text_of(slot));
    const auto answer = std::ranges::find(template_.slots(), kAnswerSlot);
    answer_slot_ = static_cast<std::size_t>(answer - template_.slots().begin());
  }

  EncodedRow encode(const Example& example) const override {
    EncodedRow row;
    row.label = example.label;
    if (!example.choices.empty()) {
      for (const std::string& choice : example.choices) add(row, example.texts, choice);
      return row;
    }
    add(row, {example.texts.begin(), example.texts.end() - 1}, example.texts.back());
    const EncodedSequence& sequence = row.sequences.front();
    row.label = static_cast<double>(static_cast<std::int32_t>(sequence.ids.size()) - sequence.first_target);
    return row;
  }

 private:
  static constexpr std::size_t kIsAnswer = static_cast<std::size_t>(-1);
  static constexpr std::string_view kWhiteSpace = " \t\n\r";

  /// Which of the texts a slot stands for.
  std::size_t text_of(const std::string& slot) const {
    const auto is = [&](const Column& column) {
      return slot == (column.name.empty() ? std::to_string(column.index) : column.name);
    };
    if (slot == kAnswerSlot) return kIsAnswer;
    for (std::size_t i = 0; i < task_.text.size(); ++i) {
      if (task_.text_template.empty() ? slot == std::to_string(i) : is(task_.text[i])) return i;
    }
    if (is(task_.label)) return kIsAnswer;
    throw UsageError(fmt::format("the template has a slot {} that is none of the task's columns", in_quotes(slot)));
  }

  void add(EncodedRow& row, const std::vector<std::string>& texts, const std::string& answer) const {
    std::vector<std::string> values;
    for (const std::size_t text : text_of_slot_) values.push_back(text == kIsAnswer ? answer : texts[text]);
    while (true) {
      const Template::Rendered rendered = template_.render(values);
      Encoded encoded = tokenizer_.encode(rendered.text, nullptr);
      const auto length = static_cast<std::int64_t>(encoded.ids.size());
      if (length <= layout_.max_length) {
        const std::size_t answer_begin = begin_of_answer(rendered);
        const std::vector<std::size_t> ends = encoded.ends;
        row.sequences.push_back(sequence_of(std::move(encoded), false));
        const auto is_target = [&](std::size_t end) { return end > answer_begin; };
        const auto target = asks_nothing(values) ? ends.end() : std::ranges::find_if(ends, is_target);
        // Nothing stands before the first token of a row.
        row.sequences.back().first_target =
            static_cast<std::int32_t>(std::max<std::ptrdiff_t>(1, target - ends.begin()));
        return;
      }
      row.truncated = true;
      shorten(values, rendered, encoded, length - layout_.max_length);
    }
  }

  /// Is the answer that the loss is of blank, or cut off whole? What stands before it in the template is none.
  bool asks_nothing(const std::vector<std::string>& values) const {
    if (task_.loss == "all" || answer_slot_ == template_.slots().size()) return false;
    return values[answer_slot_].find_first_not_of(kWhiteSpace) == std::string::npos;
  }

  /// White space before the answer goes with it: words' tokens begin with theirs.
  std::size_t begin_of_answer(const Template::Rendered& rendered) const {
    if (task_.loss == "all" || answer_slot_ == template_.slots().size()) return 0;
    std::size_t begin = rendered.first[answer_slot_].begin;
    while (begin > 0 && kWhiteSpace.find(rendered.text[begin - 1]) != std::string_view::npos) --begin;
    return begin;
  }

  /// Takes from the longest value as many of its tokens as are too many, but no more than make it the second longest.
  void shorten(std::vector<std::string>& values, const Template::Rendered& rendered, const Encoded& encoded,
               std::int64_t excess) const {
    std::vector<std::vector<std::size_t>> ends(values.size());  // where each value's tokens end in it
    for (const std::size_t end : encoded.ends) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Template::Span& span = rendered.first[i];
        if (end > span.begin && end <= span.end) ends[i].push_back(end - span.begin);
      }
    }
    const auto longest = std::ranges::max_element(ends, {}, &std::vector<std::size_t>::size);
    if (longest == ends.end() || longest->empty()) {
      throw UsageError(
          fmt::format("the template's own words take more than {} tokens (`max_length`)", layout_.max_length));
    }
    std::size_t second = 0;
    for (auto other = ends.begin(); other != ends.end(); ++other) {
      if (other != longest) second = std::max(second, other->size());
    }
    const std::size_t most = std::max<std::size_t>(1, longest->size() - second);
    const std::size_t gone = std::min(static_cast<std::size_t>(excess), most);
    cut_text(values[static_cast<std::size_t>(longest - ends.begin())], *longest, gone);
  }

  void cut_text(std::string& text, const std::vector<std::size_t>& ends, std::size_t gone) const {
    const auto in_character = [&](std::size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
    };
    if (layout_.cut == Cut::Left) {
      std::size_t begin = std::max<std::size_t>(1, ends[gone - 1]);
      while (in_character(begin)) ++begin;
      text.erase(0, begin);
      return;
    }
    std::size_t end = gone < ends.size() ? ends[ends.size() - gone - 1] : 0;
    end = std::min(end, text.size() - 1);
    while (end > 0 && in_character(end)) --end;
    text.resize(end);
  }

  const TaskSpec& task_;
  Template template_;
  Tokenizer tokenizer_;
  RowLayout layout_;
  std::vector<std::size_t> text_of_slot_;
  std::size_t answer_slot_ = 0;
};

/// GPT-1's input transformations (Radford et al., 2018, section 3.3).
class WithInsertedTokens : public RowEncoder {
 public:
  WithInsertedTokens(const TaskSpec& task, Tokenizer tokenizer, const RowLayout& layout)
      : both_orders_(task.symmetric && task.text.size() == 2), tokenizer_(std::move(tokenizer)), layout_(layout) {}

  EncodedRow encode(const Example& example) const override {
    EncodedRow row;
    row.label = example.label;
    if (!example.choices.empty()) {
      const std::string context = joined_texts(example);
      for (const std::string& choice : example.choices) add(row, {context, choice});
      return row;
    }
    add(row, example.texts);
    if (both_orders_) add(row, {example.texts.rbegin(), example.texts.rend()});
    return row;
  }

 private:
  void add(EncodedRow& row, const std::vector<std::string>& texts) const {
    std::vector<std::vector<std::int32_t>> parts;
    std::int64_t tokens = 1;
    for (const std::string& text : texts) {
      parts.push_back(tokenizer_.words(text));
      tokens += 1 + static_cast<std::int64_t>(parts.back().size());
    }
    for (; tokens > layout_.max_length; --tokens) {
      row.truncated = true;
      auto& longest = *std::ranges::max_element(parts, {}, &std::vector<std::int32_t>::size);
      longest.erase(layout_.cut == Cut::Left ? longest.begin() : longest.end() - 1);
    }
    EncodedSequence sequence;
    for (const auto& part : parts) {
      sequence.ids.push_back(sequence.ids.empty() ? kStartToken : kDelimiterToken);
      sequence.ids.insert(sequence.ids.end(), part.begin(), part.end());
    }
    sequence.ids.push_back(kExtractToken);
    sequence.types.resize(sequence.ids.size());
    sequence.first_target = 1;  // the auxiliary loss is over all tokens
    row.sequences.push_back(std::move(sequence));
  }

  bool both_orders_;
  Tokenizer tokenizer_;
  RowLayout layout_;
};

}  // namespace

bool is_templated(const TaskSpec& task, const std::string& input, bool causal) {
  return input == kInputPlain && (task.kind == kLanguageModel || (task.kind == kChoice && causal));
}

std::unique_ptr<RowEncoder> make_row_encoder(const TaskSpec& task, const std::string& input, std::string_view tokenizer,
                                             const std::string& where, const RowLayout& layout) {
  constexpr std::int64_t kWholeRows = 1 << 20;  // what is put together here is cut here, too
  if (input == kInputGpt1) {
    return std::make_unique<WithInsertedTokens>(task, Tokenizer(tokenizer, kWholeRows, where), layout);
  }
  if (is_templated(task, input, layout.causal))
    return std::make_unique<Templated>(task, Tokenizer(tokenizer, kWholeRows, where), layout);
  return std::make_unique<WholeTexts>(Tokenizer(tokenizer, layout.max_length, where, layout.cut), layout.gives_types);
}

}  // namespace peftgrid::worker
