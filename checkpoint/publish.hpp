#pragma once

#include <filesystem>
#include <string_view>

namespace peftgrid::checkpoint {

/// Gives a finished draft its final name in one step: fsync, rename without replacing (renameat2 RENAME_NOREPLACE, else
/// link), fsync of the folder. Returns false, and removes the draft, when `final_path` already exists: a rank that
/// wakes up late never overwrites its successor's file. Throws FileError when the disk refuses.
bool publish(const std::filesystem::path& draft, const std::filesystem::path& final_path);

/// The same for bytes that are in memory: writes them to a draft beside `final_path`, which is removed when the disk
/// refuses. May be tried again then.
bool publish_bytes(std::string_view bytes, const std::filesystem::path& final_path);

/// As publish, but replaces what is there: for reports and caches, whose new content is as good as the old. A draft
/// that the disk refuses is removed, here and above.
void publish_replacing(const std::filesystem::path& draft, const std::filesystem::path& final_path);

/// As publish_bytes, but replaces what is there. Throws FileError; the earlier content stays then.
void publish_bytes_replacing(std::string_view bytes, const std::filesystem::path& final_path);

/// A name beside `final_path` that no other process uses: ".<name>.<host>.<pid>.<counter>.draft".
std::filesystem::path draft_beside(const std::filesystem::path& final_path);

/// Removes drafts in a folder whose writers are gone: processes of this host that live no more, and whatever is older
/// than a day.
void remove_dead_drafts(const std::filesystem::path& folder);

}  // namespace peftgrid::checkpoint
