#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

/// Batch scripts run without Slurm, beside stand-ins for its commands.
namespace peftgrid::tests {

/// What a shell command prints.
inline std::string output_of(const std::string& command) {
  std::FILE* shell = popen((command + " 2>&1").c_str(), "r");
  std::string said;
  for (int c = 0; (c = std::fgetc(shell)) != EOF;) said += static_cast<char>(c);
  pclose(shell);
  return said;
}

/// A folder with run/slurm/ in it, whose programs come first in PATH. Its `sleep` does not.
class ScriptFolder {
 public:
  ScriptFolder() : root_(std::filesystem::temp_directory_path() / ("rounds_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "run/slurm");
    write("sleep", "#!/bin/sh\nexec /bin/sleep 0.02\n");
  }
  ScriptFolder(const ScriptFolder&) = delete;
  ScriptFolder& operator=(const ScriptFolder&) = delete;
  ~ScriptFolder() { std::filesystem::remove_all(root_); }
  const std::filesystem::path& root() const { return root_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
    std::filesystem::permissions(root_ / name, std::filesystem::perms::owner_all);
  }
  std::string run(const std::string& script, const std::string& environment) const {
    return output_of("cd " + root_.string() + " && env PATH=" + root_.string() + ":$PATH " + environment + " bash " +
                     script);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace peftgrid::tests
