#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/unit/bad_input/cases.hpp"

namespace peftgrid::tests {

namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;
using Spoil = std::function<void(const fs::path&)>;

BadInput mistake(std::string what, Words command, std::string message, Spoil spoil = {}) {
  std::string shown = fmt::format("{}", fmt::join(command, " "));
  for (std::size_t at = shown.find('\n'); at != std::string::npos; at = shown.find('\n')) shown.replace(at, 1, "\\n");
  return {std::move(what), "orchestrator " + shown, std::move(spoil), {}, {}, std::move(message), std::move(command)};
}

BadInput in_plan(std::string what, const std::string& shard, std::string message) {
  return mistake(std::move(what), {"plan", "--grid", "grid.yaml", "--shard", shard}, std::move(message));
}

/// `submit` with a time limit and ranks, and with `words`.
BadInput in_submit(std::string what, const Words& words, std::string message, Spoil spoil = {}) {
  Words command = {"submit", "--grid", "grid.yaml", "--time", "02:00:00", "--ranks-per-node", "2"};
  command.insert(command.end(), words.begin(), words.end());
  return mistake(std::move(what), command, std::move(message), std::move(spoil));
}

}  // namespace

Section submit_mistakes() {
  return {
      "Shards and Slurm jobs",
      {
          in_plan("A shard that is not one of how many", "2",
                  "plan: --shard \"2\" is not INDEX/COUNT, like --shard 2/4 for the second of four"),
          in_plan("A shard counted from zero", "0/4",
                  "plan: --shard 0/4: shards count from 1; 1/4 to 4/4 would be right"),
          in_plan("No shards at all", "1/0", "plan: --shard 1/0 asks for 0 shards; 1 to 100000 would be right"),
          in_plan("More shards than trials", "1/9",
                  "plan: 9 shards are more than the grid's 4 trials; at most 4 would be right"),
          mistake("A job without a time limit", {"submit", "--grid", "grid.yaml"},
                  "submit: --time is missing; name the job's time limit, like --time 02:00:00"),
          mistake(
              "A time limit that is none", {"submit", "--grid", "grid.yaml", "--time", "2h"},
              "submit: --time \"2h\" is no time limit; hours:minutes:seconds, days-hours, minutes or UNLIMITED would "
              "be right, like 02:00:00"),
          mistake(
              "A job whose number of ranks nobody knows", {"submit", "--grid", "grid.yaml", "--time", "02:00:00"},
              "submit: --ranks-per-node is missing, and sinfo does not tell how many cores a node has; say how many "
              "ranks a node is to run"),
          in_submit("A job without nodes", {"--nodes", "0"}, "submit: --nodes is 0; 1 to 100000 would be right"),
          in_submit("An array of one", {"--array", "1"}, "submit: --array is 1; 2 to 100000 would be right"),
          in_submit("An array larger than the grid", {"--array", "9"},
                    "submit: 9 shards are more than the grid's 4 trials; at most 4 would be right"),
          in_submit(
              "An array whose size is no number", {"--array", "4x"},
              "submit: --array \"4x\" is no number of shards; N would be right, or N%K for K of them at once, like "
              "8%2"),
          in_submit("An array of which no shard may run", {"--array", "4%0"},
                    "submit: --array 4%0 lets no shard run; %1 or more would be right"),
          in_submit(
              "An option of sbatch's that is none", {"--sbatch", "-x node7"},
              "submit: --sbatch \"-x node7\" is no option of sbatch's; one like --exclude=node7 or --exclusive would "
              "be right"),
          in_submit("An option of sbatch's that submit has, too", {"--sbatch", "--account=nlp"},
                    "submit: --sbatch --account: submit has that option itself; name it without --sbatch"),
          in_submit("An option of sbatch's that the script sets itself", {"--sbatch", "--outp=log"},
                    "submit: --sbatch --outp: the script that submit writes sets that itself; leave it out"),
          in_submit("A run folder with a line break in its path", {"--out", "a\n#SBATCH --uid=0"},
                    "submit: --out \"a\\x0a#SBATCH --uid=0\" has a line break or another control character; one line "
                    "would be "
                    "right"),
          in_submit(
              "A run folder with a backslash in its path", {"--out", "back\\slash"},
              "submit: the run folder \"back\\slash\" has a backslash, with which Slurm finds no place for its log; "
              "name another with --out"),
          in_submit("An unknown launcher", {"--launcher", "mpiexec"},
                    "submit: --launcher is \"mpiexec\"; mpirun or srun would be right"),
          in_submit("A signal before the job's start", {"--signal-before", "7200"},
                    "submit: --signal-before is 7200 with a time limit of 7200 s; 1 to 7199 would be right"),
          in_submit(
              "A prologue of two lines", {"--prologue", "module load a\nmodule load b"},
              "submit: --prologue \"module load a\\x0amodule load b\" has a line break or another control character; "
              "one line would be right"),
          in_submit("A run folder that holds something else", {"--out", "data"},
                    "data: is not empty and no run folder (it has no journal); name an empty or new folder with --out"),
          in_submit("Another number of shards than before", {"--out", "run", "--array", "3"},
                    "run: holds shard-1-of-2; --array 2 goes on with it, or name another folder with --out",
                    [](const fs::path& folder) {
                      fs::create_directories(folder / "run/shard-1-of-2/trials");
                      write_text(folder / "run/journal", "");
                    }),
          in_submit("An array in the folder of a run without shards", {"--out", "run", "--array", "2"},
                    "run: holds trials of a run without shards; leave --array out to go on with it, or name another "
                    "folder with --out",
                    [](const fs::path& folder) {
                      write_text(folder / "run/journal", "");
                      write_text(folder / "run/trials/0123456789abcdef.h5", "");
                    }),
          in_submit(
              "A machine without Slurm", {"--out", "run"},
              "submit: sbatch is not installed here, or not in PATH; the script is kept as run/slurm/grid.sbatch"),
      },
  };
}

}  // namespace peftgrid::tests
