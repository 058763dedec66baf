#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/handle.hpp"

/// Files as they are expected: plain ones. A pipe, a folder, a device or a link where a file should be is refused by
/// name, and never waited for.
namespace peftgrid::checkpoint {

/// An open file, closed once.
using OpenFile = Handle<int, ::close, -1>;

/// What the program keeps itself (claims, journals, trials, caches) is never a link; what a user names may be one.
enum class Links { Refuse, Follow };

/// Opens a plain file with the flags of open(2); a new one gets the mode that the umask leaves of 0666. Throws
/// UnreadError naming what is there instead, or why it cannot be opened.
OpenFile open_plain(const std::filesystem::path& file, int flags, Links links);

/// "a folder", "a pipe", "a symbolic link": what stands where a plain file should; nothing where one does, or nothing.
std::optional<std::string> not_plain(const std::filesystem::path& file, Links links = Links::Refuse);

/// What to say of a path at which nothing can be opened: "no such file" (of the kind that was wanted), or that it is a
/// link to nothing, and whereto, which a listing of the folder does not tell.
std::string absence(const std::filesystem::path& path, const char* wanted);

/// Is anything there, be it a link that leads nowhere?
bool is_there(const std::filesystem::path& file);

/// The whole content. Throws UnreadError, and a FileError where it is larger than `most_bytes`.
std::string read_plain(const std::filesystem::path& file, std::uint64_t most_bytes, Links links);

/// All of the bytes, however many calls that takes. 0, or what went wrong.
int write_all(int file, std::string_view bytes);
/// And then they are on disk.
int write_and_sync(int file, std::string_view bytes);

/// The end of a message for an error number: "No space left on device".
std::string system_message(int code);

/// Is this a folder of this user's, which nobody else may enter (mode 0700), and no link to one?
bool is_private_folder(const std::filesystem::path& folder);
/// Makes one where nothing is. False where something else is there: another user's, a link, one that others may enter.
bool make_private_folder(const std::filesystem::path& folder);

}  // namespace peftgrid::checkpoint
