#include "orchestrator/launch/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "checkpoint/plain_file.hpp"
#include "checkpoint/sha256.hpp"
#include "orchestrator/launch/launcher.hpp"
#include "orchestrator/launch/process.hpp"
#include "orchestrator/output.hpp"
#include "slurm/direct_launch.hpp"
#include "slurm/environment.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;

/// By mpirun, or by srun --mpi=pmix.
bool under_launcher() {
  return std::getenv("PMIX_RANK") != nullptr;
}

/// A PID means something within its namespace alone, of which several may share /dev/shm.
std::string job_prefix() {
  const std::string space = pid_namespace();
  const std::size_t digits = space.find_first_of("0123456789");
  const std::string number = digits == space.npos ? "0" : space.substr(digits, space.find(']') - digits);
  return fmt::format("peftgrid-{}-{}-", getuid(), number);
}

/// What the ranks of a job find in their environment and no other user can read: Open MPI's and PMIx's own secrets and
/// addresses, of which mpirun draws 128 bits anew for each job.
std::string secret_of_job() {
  std::string all;
  for (const char* name : {"OMPI_MCA_orte_precondition_transports", "PMIX_NAMESPACE", "PMIX_SERVER_URI4",
                           "PMIX_SERVER_URI3", "PMIX_SERVER_URI2", "PMIX_SERVER_URI21", "SLURM_STEP_ID"}) {
    if (const char* value = std::getenv(name)) all += std::string(name) + "=" + value + "\n";
  }
  return checkpoint::sha256(all).substr(0, 16);
}

/// All ranks of a node have the same launcher; its pid names the job, also after its death. Empty where the
/// name is taken by something that is not this user's alone.
const fs::path& job_folder() {
  static const fs::path folder = [] {
    if (!launcher()) return fs::path();  // it died before this rank began: nobody would remove the folder
    fs::path own = fs::path("/dev/shm") / (job_prefix() + std::to_string(launcher_pid()) + "-" + secret_of_job());
    return checkpoint::make_private_folder(own) ? own : fs::path();
  }();
  return folder;
}

void remove_folders_of_dead_jobs() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev/shm", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(job_prefix()) || !checkpoint::is_private_folder(entry.path())) continue;
    const pid_t launcher = static_cast<pid_t>(std::strtol(name.c_str() + job_prefix().size(), nullptr, 10));
    if (launcher > 0 && kill(launcher, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), error);
  }
}

std::optional<TerminalSize> size_of(int file) {
  winsize window{};
  if (isatty(file) != 1 || ioctl(file, TIOCGWINSZ, &window) != 0) return std::nullopt;
  return TerminalSize{window.ws_col, window.ws_row};
}

/// Of the terminal that shows what this process prints; 0 × 0 where it does not say. Without a launcher, as after
/// MPI_Init of a lone rank, stdout is that terminal; mpirun puts one of 0 × 0 between, and its own is asked.
std::optional<TerminalSize> watched_terminal() {
  const std::optional<TerminalSize> own = size_of(STDOUT_FILENO);
  if ((own && own->columns > 0) || !under_launcher()) return own;
  const std::string launcher = fmt::format("/proc/{}/fd/1", launcher_pid());
  const int file = open(launcher.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  const std::optional<TerminalSize> size = size_of(file);
  close(file);
  return size;
}

}  // namespace

std::optional<int> refuse_lonely_tasks() {
  const slurm::DirectLaunch how = slurm::direct_launch(slurm::process_variables());
  if (how == slurm::DirectLaunch::Alone) slurm::forget_step();
  if (how == slurm::DirectLaunch::First) {
    complain(
        "orchestrator: run: srun has started several tasks that cannot reach each other; srun --mpi=pmix, or "
        "mpirun in the allocation, would be right\n");
  }
  return how == slurm::DirectLaunch::First || how == slurm::DirectLaunch::Other ? std::optional(2) : std::nullopt;
}

void prepare_mpi_environment() {
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  if (!under_launcher()) return;
  remove_folders_of_dead_jobs();
  if (!job_folder().empty()) setenv("OMPI_MCA_btl_vader_backing_directory", job_folder().c_str(), 0);
}

std::filesystem::path job_memory() {
  return under_launcher() ? job_folder() : fs::path();
}

void clean_mpi_environment() {
  if (!under_launcher() || job_folder().empty()) return;
  std::error_code error;
  fs::remove_all(job_folder(), error);
}

bool mpirun_ends_all_ranks() {
  // mpirun alone sets the first one; what `--enable-recovery` sets in each rank is the second.
  return std::getenv("OMPI_COMM_WORLD_RANK") != nullptr && std::getenv("OMPI_MCA_orte_enable_recovery") == nullptr;
}

void bind_gpu() {
  const auto gpu = slurm::gpu_of_rank(slurm::read_environment(slurm::process_variables()));
  if (gpu) setenv("CUDA_VISIBLE_DEVICES", gpu->c_str(), 1);
}

bool stdout_is_terminal() {
  return watched_terminal().has_value();
}

TerminalSize terminal_size() {
  const std::optional<TerminalSize> size = watched_terminal();
  return size && size->columns > 0 && size->lines > 0 ? *size : TerminalSize{};
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace peftgrid::orchestrator
