#include <sys/stat.h>

#include "checkpoint/merge.hpp"
#include "tests/support/sample_trials.hpp"
#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {
namespace {

namespace fs = std::filesystem;

/// A run folder of one trial, `run`.
void add_run(const fs::path& folder) {
  const checkpoint::TrialRecord record = sample_record(sample_spec("lora", "sst2", 100, 1), 0.8);
  fs::create_directories(folder / "run/trials");
  checkpoint::write_trial(folder / "run/trials" / (record.id + ".h5"), record);
}

void add_merged_file(const fs::path& folder) {
  add_run(folder);
  checkpoint::merge({folder / "run"}, folder / "all.h5");
}

BadInput merging(std::string what, std::string shown, void (*spoil)(const fs::path&),
                 std::vector<std::string> arguments, std::string message) {
  arguments.insert(arguments.begin(), "merge");
  return {std::move(what), "orchestrator " + shown, spoil, {}, {}, std::move(message), std::move(arguments)};
}

}  // namespace

Section merge_mistakes() {
  return {
      "Merged files",
      {
          merging("An earlier merged file", "merge run --out all.h5", add_merged_file, {"run", "--out", "all.h5"},
                  "all.h5: there is a merged file already; --overwrite replaces it"),
          merging("A file that is no merged one", "merge run --out data/train.csv --overwrite", add_run,
                  {"run", "--out", "data/train.csv", "--overwrite"},
                  "data/train.csv: is there and no merged file of this program (not a readable HDF5 file (HDF5: file "
                  "signature not found)); it is not replaced, name another file"),
          merging("A file that is merged itself", "merge run all.h5 --out all.h5 --overwrite", add_merged_file,
                  {"run", "all.h5", "--out", "all.h5", "--overwrite"},
                  "all.h5: is among the files to be merged; name another file"),
          merging("A merged file among the trials of a run", "merge run --out run/trials/all.h5", add_run,
                  {"run", "--out", "run/trials/all.h5"},
                  "run/trials/all.h5: lies among the trial files of a run; name a file outside trials/"),
          merging("A run that is not there", "merge runs/run --out all.h5", add_run, {"runs/run", "--out", "all.h5"},
                  "there is no runs/run; a run folder, a trial file or a merged file is wanted"),
          merging(
              "A pipe in a trial file's place", "merge pipe.h5 --out all.h5",
              [](const fs::path& folder) { ::mkfifo((folder / "pipe.h5").c_str(), 0600); },
              {"pipe.h5", "--out", "all.h5"},
              "pipe.h5: is a pipe; a run folder, a trial file or a merged file is wanted"),
      },
  };
}

}  // namespace peftgrid::tests
