#include "slurm/queue.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

#include "slurm/digits.hpp"
#include "slurm/subprocess.hpp"

namespace peftgrid::slurm {

namespace {

namespace fs = std::filesystem;

constexpr double kQueueAnswer_s = 2;
constexpr std::size_t kMostDigits = 10, kMostJobs = 2;  // a job, or an array and its merge

fs::path jobs_file(const fs::path& folder) {
  return folder / "jobs";
}

/// Numbers only, whatever has become of the file: they are to be words of a command line.
std::vector<std::string> remembered_jobs(const fs::path& folder) {
  std::vector<std::string> ids;
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(jobs_file(folder), error))) return ids;
  std::ifstream in(jobs_file(folder));
  std::string text(kMostJobs * (kMostDigits + 1), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  std::istringstream words(text);
  for (std::string id; words >> id;) {
    if (id.size() <= kMostDigits && is_number(id)) ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::vector<QueuedJob> parse_queue(const std::string& text) {
  std::vector<QueuedJob> jobs;
  std::string line;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    std::istringstream fields(line);
    QueuedJob job;
    if (std::getline(fields, job.id, '|') && std::getline(fields, job.state, '|') &&
        std::getline(fields, job.reason, '|') && std::getline(fields, job.command)) {
      jobs.push_back(job);
    }
  }
  return jobs;
}

bool remember_jobs(const fs::path& folder, const std::vector<std::string>& ids) {
  const fs::path draft = folder / ".jobs.draft";
  std::error_code error;
  fs::remove(draft, error);  // what lies there, a link or a pipe, is not written through
  std::ofstream out(draft);
  for (const std::string& id : ids) out << id << "\n";
  out.close();
  if (out) fs::rename(draft, jobs_file(folder), error);
  return out && !error;
}

std::vector<QueuedJob> jobs_in_queue(const fs::path& folder) {
  std::string ids;
  for (const std::string& id : remembered_jobs(folder)) ids += (ids.empty() ? "" : ",") + id;
  if (ids.empty()) return {};
  const auto text = answer_of({"squeue", "--noheader", "--format=%i|%T|%r|%o", "--jobs=" + ids}, kQueueAnswer_s);
  if (!text) return {};
  std::vector<QueuedJob> jobs = parse_queue(*text);
  std::error_code error;
  const fs::path here = fs::weakly_canonical(folder, error);
  std::erase_if(jobs, [&](const QueuedJob& job) {
    std::error_code not_there;
    return fs::weakly_canonical(fs::path(job.command).parent_path(), not_there) != here;
  });
  return jobs;
}

std::vector<std::string> queue_lines(const std::vector<QueuedJob>& jobs) {
  std::vector<std::string> lines;
  for (auto job = jobs.begin(); job != jobs.end(); ++job) {
    const auto alike = [&](const QueuedJob& other) { return other.state == job->state && other.reason == job->reason; };
    if (std::any_of(jobs.begin(), job, alike)) continue;
    const auto more = std::count_if(job, jobs.end(), alike) - 1;
    std::string state = job->state;
    std::ranges::transform(state, state.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool why = !job->reason.empty() && job->reason != "None" && job->state != "RUNNING";
    lines.push_back((more > 0 ? "Slurm jobs " + job->id + " and " + std::to_string(more) + " more are "
                              : "Slurm job " + job->id + " is ") +
                    state + (why ? ": " + job->reason : ""));
  }
  return lines;
}

std::string numbers_of(const std::vector<QueuedJob>& jobs) {
  std::set<std::string> numbers;
  for (const QueuedJob& job : jobs) numbers.insert(job.id.substr(0, job.id.find('_')));
  std::string text;
  for (const std::string& number : numbers) text += (text.empty() ? "" : " ") + number;
  return text;
}

}  // namespace peftgrid::slurm
