#include "orchestrator/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "slurm/direct_launch.hpp"
#include "slurm/environment.hpp"

namespace peftgrid::orchestrator {

namespace {

namespace fs = std::filesystem;

/// By mpirun, or by srun --mpi=pmix.
bool under_launcher() {
  return std::getenv("PMIX_RANK") != nullptr;
}

/// All ranks of a node have the same parent, the launcher; its pid names the job, also after its death.
std::string job_prefix() {
  return fmt::format("peftgrid-{}-", getuid());
}
const fs::path& job_folder() {
  static const fs::path folder = fs::path("/dev/shm") / (job_prefix() + std::to_string(getppid()));
  return folder;
}

void remove_folders_of_dead_jobs() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev/shm", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(job_prefix())) continue;
    const pid_t launcher = static_cast<pid_t>(std::strtol(name.c_str() + job_prefix().size(), nullptr, 10));
    if (launcher > 0 && kill(launcher, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), error);
  }
}

/// A descriptor of the terminal that shows what this process prints, or -1.
int terminal_descriptor() {
  if (!under_launcher()) return isatty(STDOUT_FILENO) == 1 ? dup(STDOUT_FILENO) : -1;
  const std::string launcher = fmt::format("/proc/{}/fd/1", getppid());
  const int file = open(launcher.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0 && isatty(file) == 1) return file;
  if (file >= 0) close(file);
  return -1;
}

}  // namespace

std::optional<int> refuse_lonely_tasks() {
  const slurm::DirectLaunch how = slurm::direct_launch(slurm::process_variables());
  if (how == slurm::DirectLaunch::Alone) slurm::forget_step();
  if (how == slurm::DirectLaunch::First) {
    fmt::print(stderr,
               "orchestrator: run: srun has started several tasks that cannot reach each other; srun --mpi=pmix, or "
               "mpirun in the allocation, would be right\n");
  }
  return how == slurm::DirectLaunch::First || how == slurm::DirectLaunch::Other ? std::optional(2) : std::nullopt;
}

void prepare_mpi_environment() {
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  if (!under_launcher()) return;
  remove_folders_of_dead_jobs();
  std::error_code error;
  fs::create_directory(job_folder(), error);
  if (fs::is_directory(job_folder(), error)) setenv("OMPI_MCA_btl_vader_backing_directory", job_folder().c_str(), 0);
}

std::filesystem::path job_memory() {
  return under_launcher() ? job_folder() : fs::path();
}

void clean_mpi_environment() {
  if (!under_launcher()) return;
  std::error_code error;
  fs::remove_all(job_folder(), error);
}

void bind_gpu() {
  const auto gpu = slurm::gpu_of_rank(slurm::read_environment(slurm::process_variables()));
  if (gpu) setenv("CUDA_VISIBLE_DEVICES", gpu->c_str(), 1);
}

bool stdout_is_terminal() {
  const int terminal = terminal_descriptor();
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

TerminalSize terminal_size() {
  TerminalSize size;
  const int terminal = terminal_descriptor();
  if (terminal < 0) return size;
  winsize window{};
  if (ioctl(terminal, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    size = {window.ws_col, window.ws_row};
  }
  close(terminal);
  return size;
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::int64_t ranks_at_once(std::int64_t ranks) {
  const char* local = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  const std::int64_t here = local == nullptr ? ranks : std::max<std::int64_t>(1, std::atoll(local));
  return here <= usable_cores() ? ranks : std::max<std::int64_t>(1, ranks * usable_cores() / here);
}

}  // namespace peftgrid::orchestrator
