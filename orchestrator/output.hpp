#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

/// What the program prints. A log on a full disk, a closed pipe, a terminal that is gone: no output ever ends a run,
/// and nothing here throws. Control characters, which names in files and paths may hold, are shown as text; bytes that
/// are not UTF-8 likewise (worker::shown).
namespace peftgrid::orchestrator {

void print_out(std::string_view text);
void print_error(std::string_view text);

/// To stdout.
template <typename... Values>
void say(fmt::format_string<Values...> format, Values&&... values) {
  print_out(fmt::format(format, std::forward<Values>(values)...));
}
/// To stderr.
template <typename... Values>
void complain(fmt::format_string<Values...> format, Values&&... values) {
  print_error(fmt::format(format, std::forward<Values>(values)...));
}

/// To stdout as it is, escape sequences too: for what the program itself draws.
void draw(std::string_view text);

/// Says on stderr that memory has run out, without taking any.
void say_out_of_memory();

/// All that was printed has left this process, or is lost.
void flush_output();
/// Why something printed to stdout is lost (an errno); 0: nothing was.
int lost_output();

/// So that no file of ours is opened under the number of a standard stream that whoever started us has closed.
void keep_standard_streams();

}  // namespace peftgrid::orchestrator
