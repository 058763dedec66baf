#include <fmt/format.h>

#include <span>
#include <string_view>
#include <unordered_set>

#include "worker/catalogue.hpp"
#include "worker/errors.hpp"
#include "worker/objectives/readout.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/tasks/tokens.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

namespace {

/// A split by the words that a note has for it.
struct Named {
  const TokenizedSplit& split;
  std::string rows, path;  // "training rows"
};

std::vector<Named> splits_of(const TaskSpec& task, const TokenizedData& data) {
  std::vector<Named> all = {{data.train(), "training rows", task.train}};
  if (data.validation().rows() > 0) all.push_back({data.validation(), "validation rows", task.validation});
  for (std::size_t i = 0; i < data.tests().size(); ++i)
    all.push_back({data.tests()[i], task.tests[i].name == "test" ? "test rows" : "rows of " + task.tests[i].name,
                   task.tests[i].path});
  return all;
}

std::optional<std::string> note_of_cut(const TrialSpec& spec, const std::vector<Named>& splits) {
  std::vector<std::string> cut;
  for (const Named& one : splits) {
    const std::int64_t rows = one.split.truncated_rows();
    if (rows > 0) cut.push_back(fmt::format("{} of {} {}", rows, one.split.rows(), one.rows));
  }
  if (cut.empty()) return std::nullopt;
  return fmt::format("{} have more than {} tokens (`max_length`), and are cut on the {}", joined(cut),
                     spec.training.max_length, spec.backbone.truncation_side);
}

void note_empty(const TaskSpec& task, const std::vector<Named>& splits, std::size_t special,
                std::vector<std::string>& notes) {
  for (const Named& one : splits) {
    std::int64_t rows = 0, first = -1;
    for (std::int64_t row = 0; row < one.split.rows(); ++row) {
      if (one.split.ids(row).size() > special) continue;
      if (rows++ == 0) first = row;
    }
    if (rows == 0) continue;
    notes.push_back(fmt::format("{} of {} {} have no token of their own text, only special ones; the first is {}", rows,
                                one.split.rows(), one.rows, row_place(task, one.path, first)));
  }
}

constexpr std::int64_t kFewRepeated = 100;  // one row in so many may be a common phrase

/// Scores on rows that were trained on tell how well they are remembered.
void note_repeated(const std::vector<Named>& splits, std::vector<std::string>& notes) {
  const auto bytes = [](const TokenizedSplit& split, std::int64_t row) {
    const auto ids = std::as_bytes(split.ids(row));
    return std::string_view(reinterpret_cast<const char*>(ids.data()), ids.size());
  };
  std::unordered_set<std::string_view> trained;
  const TokenizedSplit& train = splits.front().split;
  for (std::int64_t row = 0; row < train.rows(); ++row) trained.insert(bytes(train, row));
  for (std::size_t i = 1; i < splits.size(); ++i) {
    const TokenizedSplit& split = splits[i].split;
    std::int64_t repeated = 0;
    for (std::int64_t row = 0; row < split.rows(); ++row) repeated += trained.contains(bytes(split, row)) ? 1 : 0;
    if (repeated == 0 || repeated * kFewRepeated < split.rows()) continue;
    notes.push_back(
        fmt::format("{} of {} {} stand in the training file, too; a score on them tells how well they are "
                    "remembered",
                    repeated, split.rows(), splits[i].rows));
  }
}

void check_readout(const BackboneSpec& backbone, const SpecialTokens& special, bool causal,
                   std::vector<std::string>& notes) {
  const bool first = backbone.readout == kReadsPooler || backbone.readout == kReadsFirst;
  if (first && special.before == 0) {
    throw UsageError(fmt::format(
        "{}/tokenizer.json: puts no token before a text, and the readout {} reads a row's first one, which would be a "
        "word of it; `readout: {}` would be right, or a post-processor that sets [CLS]",
        backbone.path, backbone.readout, kReadsMean));
  }
  // Of a decoder any last token has seen the row.
  if (backbone.readout == kReadsLast && special.behind == 0 && !causal) {
    notes.push_back(
        fmt::format("tokenizer.json puts no token behind a text; the readout {} reads a row's last word", kReadsLast));
  }
}

RowFacts facts_of(const TrialSpec& spec, const TokenizedSplit& train) {
  RowFacts facts;
  const std::int64_t sequences = train.first_sequence(train.rows());
  if (sequences == 0) return facts;
  double targets = 0;
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto tokens = static_cast<double>(train.sequence_ids(s).size());
    targets += spec.training.auxiliary_lm > 0 ? tokens - 1 : tokens - train.first_target(s);
  }
  facts.sequences = static_cast<double>(sequences) / static_cast<double>(train.rows());
  facts.tokens = static_cast<double>(train.tokens()) / static_cast<double>(sequences);
  facts.targets = targets / static_cast<double>(sequences);
  return facts;
}

}  // namespace

void check_starting_text(const TrialSpec& spec) {
  const std::string text = method_plan(spec.method.name).starting_text(spec.method);
  if (!text.empty() && ids_of_text(spec.backbone, text).empty()) {
    throw UsageError(fmt::format("{}: the text {} has no token to start from", spec.method.name, in_quotes(text)));
  }
}

InspectedRows inspect_rows(const TrialSpec& spec, const BackboneFacts& backbone) {
  try {
    InspectedRows found;
    std::vector<std::string>& notes = found.notes;
    const SpecialTokens special = special_tokens(spec.backbone, spec.task.text.size() == 2);
    check_readout(spec.backbone, special, backbone.model.geometry.causal, notes);
    const auto data = tokenize(spec.task, spec.backbone, spec.training.max_length);
    const std::vector<Named> splits = splits_of(spec.task, *data);
    if (const auto cut = note_of_cut(spec, splits)) notes.push_back(*cut);
    note_empty(spec.task, splits, special.all, notes);
    note_repeated(splits, notes);
    if (backbone.longest_row > 0 && spec.training.max_length > backbone.longest_row) {
      notes.push_back(fmt::format("max_length is {}, and {} {}; the former holds", spec.training.max_length,
                                  backbone.longest_key, backbone.longest_row));
    }
    found.facts = facts_of(spec, data->train());
    return found;
  } catch (const ChangedInput& error) {
    throw UsageError(error.what());  // nothing has been planned yet that could have changed
  }
}

}  // namespace peftgrid::worker
