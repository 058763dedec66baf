#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "checkpoint/publish.hpp"
#include "orchestrator/report/plots.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

std::string terminal(int height) {
  return "set terminal svg size 620," + std::to_string(height) +
         " dynamic noenhanced rounded font 'Helvetica,16' background rgb '#ffffff'\n";
}

constexpr const char *kScript = "script.gp", *kComplaints = "complaints";

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The exit status of gnuplot with the folder's script as its standard input, or -1 where it cannot be started.
int run_gnuplot(const fs::path& folder) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // It works inside the folder, so that no path, which may hold anything, stands in what it reads.
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, kScript, O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, kComplaints, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  // A user's ~/.gnuplot would change the drawings: -d leaves it out. The locale would change decimal points.
  std::string program = "gnuplot", option = "-d", locale = "LC_ALL=C";
  std::string path = "PATH=" + std::string(::getenv("PATH") != nullptr ? ::getenv("PATH") : "/usr/bin:/bin");
  const std::array<char*, 3> arguments = {program.data(), option.data(), nullptr};
  const std::array<char*, 3> environment = {locale.data(), path.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// gnuplot names its marks alike in every drawing; several drawings in one page need names of their own.
void make_names_unique(std::string& svg, std::size_t number) {
  const std::string prefix = "plot" + std::to_string(number) + "-";
  for (const char* const name : {"gpDot", "gpPt", "gp_def", "gnuplot_plot_", "textbox"}) {
    for (const char* const before : {"id=\"", "id='", "href='#", "href=\"#"}) {
      replace_all(svg, std::string(before) + name, before + prefix + name);
    }
  }
}

}  // namespace

std::string draw_plots(std::vector<Plot>& plots, const fs::path& scratch) {
  if (plots.empty()) return "";
  const auto drawing = [](std::size_t i) { return std::to_string(i) + ".svg"; };
  std::string script = "set encoding utf8\n";
  for (std::size_t i = 0; i < plots.size(); ++i) {
    script += terminal(plots[i].height) + "set output '" + drawing(i) + "'\n" + plots[i].script + "unset output\n";
  }
  checkpoint::publish_bytes_replacing(script, scratch / kScript);
  const int status = run_gnuplot(scratch);
  if (status != 0) {
    plots.clear();
    if (status == -1 || status == 127) return "Plots are left out: gnuplot is not installed (Debian: gnuplot-nox).";
    return "Plots are left out: gnuplot failed: " + contents(scratch / kComplaints).substr(0, 300);
  }
  for (std::size_t i = 0; i < plots.size(); ++i) {
    plots[i].svg = contents(scratch / drawing(i));
    make_names_unique(plots[i].svg, i);
  }
  return "";
}

}  // namespace peftgrid::orchestrator
