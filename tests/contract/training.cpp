#include "tests/contract/training.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "collectives/thread_group.hpp"
#include "tests/contract/subjects.hpp"
#include "tests/support/borrowed_group.hpp"
#include "worker/catalogue.hpp"
#include "worker/model/model.hpp"
#include "worker/service/worker.hpp"
#include "worker/training/team.hpp"

namespace peftgrid::tests {

using checkpoint::TrialRecord;

worker::TrialSpec short_trial(const std::string& method, const std::string& folder, const std::string& readout) {
  const worker::BackboneFacts facts = worker::inspect_backbone(folder);
  worker::TrialSpec s;
  s.id = "0123456789abcdef";
  s.label = method;
  s.backbone = {"tiny", folder, facts.model.architecture->name, readout, facts.weights_sha256, facts.tokenizer_sha256};
  s.method = small_method(method);
  s.train_size = 34;
  s.training.learning_rate = 3e-3;
  s.training.epochs = 3;
  s.training.batch_size = 4;
  s.training.max_length = 24;
  s.selection.rows = 20;
  s.keep = "all";
  return s;
}

TrialRecord trained(const worker::TrialSpec& spec, const worker::CheckpointPolicy& checkpoints,
                    std::int64_t stop_after) {
  worker::prepare_process(1);
  std::int64_t step = 0;
  const worker::ProgressCallbacks callbacks{[&] { return stop_after > 0 && step >= stop_after; },
                                            [&](const worker::Progress& progress) { step = progress.step; }};
  worker::Store store;
  return *worker::train(spec, store, worker::Team(), callbacks, checkpoints);
}

TrialRecord trained_by(int ranks, const worker::TrialSpec& spec) {
  worker::prepare_process(1);
  const worker::ProgressCallbacks callbacks{[] { return false; }, [](const worker::Progress&) {}};
  std::optional<TrialRecord> led;
  collectives::run_as_threads(ranks, [&](collectives::Group& group) {
    worker::Store store;
    const worker::Team team(std::make_unique<BorrowedGroup>(group), callbacks.stop);
    auto record = worker::train(spec, store, team, callbacks, {});
    EXPECT_EQ(record.has_value(), group.rank() == 0) << "the first rank alone has a result";
    if (record) led = std::move(record);
  });
  return *std::move(led);
}

void expect_same_bytes(const TrialRecord& one, const TrialRecord& other) {
  ASSERT_EQ(one.tensors.size(), other.tensors.size());
  for (std::size_t i = 0; i < one.tensors.size(); ++i)
    EXPECT_EQ(one.tensors[i].sha256, other.tensors[i].sha256) << one.tensors[i].name;
  EXPECT_EQ(one.tests[0].predictions, other.tests[0].predictions);
  ASSERT_EQ(one.curve.size(), other.curve.size());
  for (std::size_t i = 0; i < one.curve.size(); ++i) {
    EXPECT_EQ(one.curve[i].train_loss, other.curve[i].train_loss) << "step " << i + 1;
    EXPECT_EQ(one.curve[i].selection_score, other.curve[i].selection_score) << "step " << i + 1;
  }
  EXPECT_EQ(one.training_tokens, other.training_tokens);
}

}  // namespace peftgrid::tests
