#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>

#include "checkpoint/errors.hpp"
#include "collectives/checked_group.hpp"
#include "collectives/cuda_device.hpp"
#include "collectives/gang.hpp"
#include "collectives/mpi_group.hpp"
#include "orchestrator/commands/commands.hpp"
#include "orchestrator/launch/gpu_check.hpp"
#include "orchestrator/launch/launch.hpp"
#include "orchestrator/launch/launch_watch.hpp"
#include "orchestrator/launch/launcher.hpp"
#include "orchestrator/launch/preparation_watch.hpp"
#include "orchestrator/launch/process.hpp"
#include "orchestrator/launch/rank_directory.hpp"
#include "orchestrator/launch/start_deadline.hpp"
#include "orchestrator/output.hpp"
#include "orchestrator/report/write_report.hpp"
#include "orchestrator/report/writers.hpp"
#include "orchestrator/run/coordinator.hpp"
#include "orchestrator/run/peers.hpp"
#include "orchestrator/run/run_options.hpp"
#include "orchestrator/run/run_session.hpp"
#include "orchestrator/version.hpp"
#include "slurm/signals.hpp"
#include "worker/catalogue.hpp"
#include "worker/service/worker.hpp"
#include "worker/text.hpp"

namespace peftgrid::orchestrator {

namespace {

using collectives::Deadline;
using worker::UsageError;

/// Reading a grid hashes weights and data: minutes on a slow network file system, never hours.
constexpr double kPrepare_s = 3600;

int exit_code_of(const Coordinator& coordinator, std::int64_t failed_before) {
  const Coordinator::Tally tally = coordinator.tally();
  if (coordinator.stopped() || tally.not_run > 0) return 4;
  return tally.failed + failed_before > 0 ? 3 : 0;
}

/// Does what needs the disk, again and again where it refuses and the run is to wait for it.
template <typename Do>
auto insist(const RunOptions& options, Do act) {
  constexpr std::chrono::milliseconds kLook(20);
  constexpr int kLooks = 25;
  for (bool said = false;; said = true) {
    try {
      return act();
    } catch (const checkpoint::FileError& error) {
      if (options.on_storage_trouble != "wait" || slurm::stop_signal() != 0) throw;
      if (!said) complain("storage: {}; the end of the run waits until it works again\n", error.what());
    }
    for (int look = 0; look < kLooks && slurm::stop_signal() == 0; ++look) std::this_thread::sleep_for(kLook);
  }
}

/// The coordinator's side of rank 0 after the last trial: journal, report, table.
void close_run(RunSession& session, const Coordinator& coordinator, const RunOptions& options) {
  const Coordinator::Tally tally = coordinator.tally();
  session.journal().note(
      "end",
      nlohmann::json{
          {"done", tally.done}, {"diverged", tally.diverged}, {"failed", tally.failed}, {"not_run", tally.not_run}}
          .dump());
  if (coordinator.stopped()) {
    try {
      session.journal().sync();
    } catch (const checkpoint::FileError&) {
      // What is done is what trials/ holds.
    }
    say("stopped: {} of {} trials are finished and kept; the same command goes on\n",
        session.already_there().size() + static_cast<std::size_t>(tally.done + tally.diverged),
        session.grid().trials.size());
    return;
  }
  insist(options, [&] { session.journal().sync(); });
  const ReportModel model = insist(options, [&] { return build_report({session.folder().root}); });
  say("\n{}", terminal_table(model));
  const auto index = insist(options, [&] { return write_model(model, session.folder().report()); });
  if (!options.quiet) say("\nreport: {}\n", index.string());
  flush_output();
}

/// Ends every rank at once: after this nobody waits for a coordinator or worker that is no more. What is finished is
/// kept; trouble with files (a full disk, a vanished folder) or with ranks leaves the run to the same command.
[[noreturn]] void give_up(collectives::MpiSession& mpi, const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    say_out_of_memory();
    std::_Exit(4);  // MPI_Abort would want memory
  }
  const bool surroundings = dynamic_cast<const checkpoint::FileError*>(&error) != nullptr ||
                            dynamic_cast<const collectives::CommError*>(&error) != nullptr;
  complain("orchestrator: rank {} on {}: {}{}\n", mpi.rank(), host_name(),
           surroundings ? "" : "internal error: ", worker::shown(error.what()));
  flush_output();
  mpi.abort(surroundings ? 4 : 1);
}

/// Rank 0's own word. Where it is refused, nobody is worse off than without.
void write_exit_code(const RunOptions& options, const collectives::MpiSession& mpi, int code) {
  if (options.exit_code_file.empty() || mpi.rank() != 0) return;
  std::ofstream(options.exit_code_file) << code << "\n";
}

/// What the ranks of a run were given to talk with.
struct Lines {
  collectives::MpiSession::Line line;
  collectives::MpiSession::MakeGang gangs;
  collectives::Carrier carrier;
};

worker::WorkerHooks hooks_of(collectives::MpiSession& mpi, const Lines& lines, const ProcessId& coordinator,
                             std::function<bool()> stop) {
  worker::WorkerHooks hooks;
  hooks.make_gang = [&lines](const std::vector<int>& ranks, std::int64_t number, Deadline deadline) {
    return collectives::make_gang_group(lines.gangs(ranks, number), lines.carrier, std::move(deadline));
  };
  hooks.stop = std::move(stop);
  hooks.leave = [&mpi] {
    leave_no_launcher_behind();
    mpi.leave(0);
  };
  // A process that was never to be seen, as in another container of that host, is not gone.
  hooks.coordinator_died = [coordinator, seen = !is_gone(coordinator)] { return seen && is_gone(coordinator); };
  // Under mpirun --enable-recovery a rank 0 that only sleeps would keep the job for ever.
  hooks.abandoned = [&mpi, coordinator] {
    const std::string silent = fmt::format("was silent for {:.0f} s", worker::kCoordinatorSilence_s);
    const std::string why =
        is_gone(coordinator) ? "died" : silent + (kill_process(coordinator) ? " and was killed" : "");
    complain("orchestrator: rank {} on {}: rank 0 {}; the same command goes on\n", mpi.rank(), host_name(), why);
    flush_output();
    leave_no_launcher_behind();
    mpi.leave(4);
  };
  return hooks;
}

/// The end of a run that lost ranks: MPI_Finalize would wait for them. The others were told to leave; rank 0 goes last.
[[noreturn]] void leave_without(collectives::MpiSession& mpi, Peers& peers, int code) {
  constexpr double kPatience_s = 2;
  std::size_t gone = 1;
  for (double waited_s = 0; waited_s < kPatience_s && gone < static_cast<std::size_t>(peers.size()); waited_s += 0.02) {
    gone += peers.newly_dead().size();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  clean_mpi_environment();
  flush_output();
  leave_no_launcher_behind();
  mpi.leave(code);
}

/// Rank 0 coordinates in one thread and works in another; both end when the grid does.
int run_rank_0(RunSession& session, const RunOptions& options, collectives::MpiSession& mpi, const Lines& lines,
               const worker::WorkerInfo& info, const RankDirectory& directory) {
  const auto display = make_display(session.display_kind(options), session.grid(), session.already_there(), info.ranks);
  const auto stop = [&] { return slurm::stop_signal() != 0 || session.owner().lost(); };
  Peers peers(directory.ranks);
  const auto is_published = [&](const std::string& id) {
    std::error_code away;
    return std::filesystem::exists(session.folder().trial(id), away);
  };
  Coordinator coordinator(*lines.line.coordinator, peers, session.jobs(), session.journal(), *display,
                          {stop, is_published, options.on_storage_trouble == "wait"});
  std::thread thread([&] {
    try {
      coordinator.run();
    } catch (const std::exception& error) {
      give_up(mpi, error);
    }
  });
  try {
    worker::work(*lines.line.worker, info, hooks_of(mpi, lines, directory.coordinator, stop));
  } catch (const std::exception& error) {
    give_up(mpi, error);  // the coordinator's thread is at work: unwinding would end the process without a word
  }
  if (coordinator.stopped()) thread.join();
  close_run(session, coordinator, options);
  coordinator.dismiss();
  if (thread.joinable()) thread.join();
  const int code = exit_code_of(coordinator, session.failed_before());
  if (coordinator.tally().lost_ranks > 0) {
    session.release();
    leave_without(mpi, peers, code);
  }
  return code;
}

int run(const RunOptions& options, collectives::MpiSession& mpi, LaunchWatch& watch) {
  const bool on_cuda = options.overrides.device == "cuda", over_nccl = options.collectives == "nccl";
  StartDeadline deadline(mpi.rank(), mpi.size());
  const auto group = collectives::checked(mpi.group());
  const RankDirectory directory = exchange_ids(*group);
  const Lines lines{mpi.line(), mpi.gangs(), over_nccl ? collectives::Carrier::Nccl : collectives::Carrier::Mpi};
  PreparationWatch preparation(mpi.line(), mpi.rank(), directory.ranks, directory.coordinator);
  deadline.met();
  if (on_cuda) {
    if (const auto trouble = trouble_with_cuda(mpi)) {
      if (mpi.rank() == 0) complain("orchestrator: {}; use --device cpu\n", worker::shown(*trouble));
      return 2;
    }
  }
  if (over_nccl) {
    if (const auto trouble = trouble_with_nccl(mpi)) {
      if (mpi.rank() == 0) complain("orchestrator: {}; use --collectives mpi\n", worker::shown(*trouble));
      return 2;
    }
  }
  std::optional<RunSession> session;
  std::optional<std::string> trouble;
  try {
    if (mpi.rank() == 0) session.emplace(options, mpi.size(), directory.cores);
  } catch (const UsageError& error) {
    trouble = error.what();
  } catch (const checkpoint::FileError& error) {
    trouble = error.what();
  }
  if (!group->agree(trouble, Deadline("reading the grid", kPrepare_s)).ok) {
    if (trouble) complain("orchestrator: {}\n", worker::shown(*trouble));
    return 2;
  }
  worker::WorkerInfo info;
  info.trials = collectives::broadcast_text(*group, session ? session->folder().trials().string() : "", 0,
                                            Deadline("sending the run folder", 60));
  info.checkpoints = info.trials.parent_path() / "checkpoints";
  info.reserve = RunFolder{info.trials.parent_path()}.reserve();
  info.node_memory = job_memory();
  info.checkpoint_every_s = options.checkpoint_every_s;
  info.wait_for_storage = options.on_storage_trouble == "wait";
  info.host = host_name();
  info.commit = commit();
  info.mpi = collectives::MpiSession::library_version();
  if (on_cuda) info.gpu = collectives::cuda_device_name();
  info.rank = mpi.rank();
  info.ranks = mpi.size();
  info.cores = static_cast<int>(directory.cores.cores);
  watch.over();
  preparation.over();
  if (session) return run_rank_0(*session, options, mpi, lines, info, directory);
  const auto stop = [] { return slurm::stop_signal() != 0; };
  worker::work(*lines.line.worker, info, hooks_of(mpi, lines, directory.coordinator, stop));
  return 0;
}

}  // namespace

int run_command(const Arguments& arguments) {
  const auto options = parse_run_options(arguments);
  if (!options) return 0;
  if (const auto code = refuse_lonely_tasks()) return *code;
  bind_gpu();
  prepare_mpi_environment();
  worker::prepare_process(static_cast<int>(options->overrides.threads));
  worker::verify_contents(job_memory());
  slurm::watch_stop_signals(launcher_pid());
  LaunchWatch watch;
  int code = 0;
  {
    collectives::MpiSession mpi;
    watch.all_run();
    try {
      code = run(*options, mpi, watch);
      write_exit_code(*options, mpi, code);
    } catch (const std::exception& error) {
      give_up(mpi, error);
    }
    if (slurm::stop_signal() != 0) {
      // A launcher that is stopping its ranks no longer answers MPI_Finalize; a second would pass until it kills them.
      clean_mpi_environment();
      flush_output();
      mpi.leave(code == 4 || mpi.rank() > 0 ? 128 + slurm::stop_signal() : code);
    }
    watch.ending(code);
  }
  clean_mpi_environment();
  return code;
}

}  // namespace peftgrid::orchestrator
