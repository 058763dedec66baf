#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>

#include "checkpoint/publish.hpp"
#include "orchestrator/report/plots.hpp"

namespace peftgrid::orchestrator {
namespace {

namespace fs = std::filesystem;

constexpr int kPlotWidth = 620;

std::string svg_terminal(int height) {
  return fmt::format(
      "set terminal svg size {},{} dynamic noenhanced rounded font 'Helvetica,16' background rgb '#ffffff'\n",
      kPlotWidth, height);
}

/// As large as the other, at 96 pixels an inch.
std::string pdf_terminal(int height) {
  return fmt::format(
      "set terminal pdfcairo size {:.3f}in,{:.3f}in noenhanced rounded fontscale 0.75 font 'Helvetica,12'\n",
      kPlotWidth / 96.0, height / 96.0);
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

/// The only thing in it that changes from one drawing to the next.
void forget_date(std::string& pdf) {
  constexpr std::string_view kDate = "/CreationDate (D:";
  const std::size_t at = pdf.find(kDate);
  for (std::size_t i = at + kDate.size(); at != std::string::npos && i < pdf.size() && pdf[i] != ')'; ++i) {
    if (pdf[i] >= '0' && pdf[i] <= '9') pdf[i] = '0';
  }
}

/// The script of all plots, each drawn to a file of its number.
std::string script_of(const std::vector<Plot>& plots, std::string (*terminal)(int height), const char* extension) {
  std::string script = "set encoding utf8\n";
  for (std::size_t i = 0; i < plots.size(); ++i) {
    script +=
        fmt::format("{}set output '{}{}'\n{}unset output\n", terminal(plots[i].height), i, extension, plots[i].script);
  }
  return script;
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
  checkpoint::publish_bytes_replacing(script_of(plots, svg_terminal, ".svg"), scratch / kScript);
  const int status = run_gnuplot(scratch);
  if (status != 0) {
    plots.clear();
    if (status == -1 || status == 127) return "Plots are left out: gnuplot is not installed (Debian: gnuplot-nox).";
    return "Plots are left out: gnuplot failed: " + contents(scratch / kComplaints).substr(0, 300);
  }
  checkpoint::publish_bytes_replacing(script_of(plots, pdf_terminal, ".pdf"), scratch / kScript);
  const bool in_pdf = run_gnuplot(scratch) == 0;
  for (std::size_t i = 0; i < plots.size(); ++i) {
    plots[i].svg = contents(scratch / (std::to_string(i) + ".svg"));
    make_names_unique(plots[i].svg, i);
    if (!in_pdf) continue;
    plots[i].pdf = contents(scratch / (std::to_string(i) + ".pdf"));
    forget_date(plots[i].pdf);
  }
  return in_pdf ? "" : "Plots are not there as PDF: this gnuplot has no terminal pdfcairo (Debian: gnuplot-nox).";
}

}  // namespace peftgrid::orchestrator
