#include "checkpoint/trial_mould.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <system_error>

#include "checkpoint/errors.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

constexpr std::size_t kMostMoulds = 64;

/// Jenkins' lookup3 (hashlittle, 2006), which HDF5 puts at the end of its metadata.
std::uint32_t lookup3(std::string_view bytes) {
  const auto start = 0xdeadbeefU + static_cast<std::uint32_t>(bytes.size());
  std::uint32_t a = start, b = start, c = start;
  const auto take = [&](std::size_t count) {
    std::uint32_t words[3] = {};
    std::memcpy(words, bytes.data(), count);
    bytes.remove_prefix(count);
    a += words[0];
    b += words[1];
    c += words[2];
  };
  const auto mix = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t z, int bits) {
    x -= y;
    x ^= std::rotl(y, bits);
    y += z;
  };
  while (bytes.size() > 12) {
    take(12);
    mix(a, c, b, 4);
    mix(b, a, c, 6);
    mix(c, b, a, 8);
    mix(a, c, b, 16);
    mix(b, a, c, 19);
    mix(c, b, a, 4);
  }
  if (bytes.empty()) return c;
  take(bytes.size());
  const auto end = [](std::uint32_t& x, std::uint32_t y, int bits) {
    x ^= y;
    x -= std::rotl(y, bits);
  };
  end(c, b, 14);
  end(a, c, 11);
  end(b, a, 25);
  end(c, b, 16);
  end(a, c, 4);
  end(b, a, 14);
  end(c, b, 24);
  return c;
}

std::uint32_t checksum_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// The end of what an object header of version 2 keeps in its first piece, without the checksum there; 0: it has none.
std::size_t end_of_header(std::string_view bytes, std::size_t begin) {
  constexpr std::size_t kFlagsAt = 5, kTimes = 16, kAttributeBounds = 4;
  if (bytes.size() < begin + 32) return 0;
  const auto flags = static_cast<unsigned char>(bytes[begin + kFlagsAt]);
  std::size_t at = begin + kFlagsAt + 1;
  if ((flags & 0x20U) != 0) at += kTimes;
  if ((flags & 0x10U) != 0) at += kAttributeBounds;
  const std::size_t width = std::size_t{1} << (flags & 3U);
  if (width > 4) return 0;
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data() + at, width);
  const std::size_t end = at + width + size;
  return end + sizeof(std::uint32_t) <= bytes.size() ? end : 0;
}

std::string shape_of(const StoredTrial& trial) {
  std::string shape = std::to_string(trial.id.size());
  for (const TrialTable& table : trial.tables) {
    shape += "\n" + table.name + " " + (table.rows ? std::to_string(*table.rows) : "-");
    for (const std::size_t width : table.widths) shape += " " + std::to_string(width);
  }
  return shape;
}

/// Larger ones are read by HDF5, which leaves out what is not wanted.
constexpr std::int64_t kSmall_bytes = std::int64_t{256} << 10U;

/// Nothing where the file is large or cannot be read.
std::optional<std::string> bytes_of_small(const std::filesystem::path& file, Links links) try {
  const OpenFile opened = open_plain(file, O_RDONLY, links);
  struct stat facts {};
  if (::fstat(opened.get(), &facts) != 0 || facts.st_size > kSmall_bytes) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  if (::read(opened.get(), bytes.data(), bytes.size()) != facts.st_size) return std::nullopt;
  return bytes;
} catch (const FileError&) {
  return std::nullopt;
}

BuiltFile built_by_hdf5(const StoredTrial& trial) {
  BuiltFile built;
  built.bytes = h5::bytes_of_file(
      [&](hid_t file) { built.values_at = write_tables(create_trials(file).get(), trial.id, trial.tables); });
  return built;
}

}  // namespace

std::optional<Mould> Mould::cast(const BuiltFile& file, const StoredTrial& trial) {
  const std::string_view bytes = file.bytes;
  Mould mould;
  mould.file_bytes_ = bytes.size();
  // The first place: HDF5 writes the group's name before any value, and the checksum below would tell.
  const std::size_t id_at = bytes.find(trial.id);
  if (id_at == std::string::npos) return std::nullopt;
  mould.header_begin_ = bytes.rfind("OHDR", id_at);
  if (mould.header_begin_ == std::string::npos) return std::nullopt;
  mould.header_end_ = end_of_header(bytes, mould.header_begin_);
  if (id_at + trial.id.size() > mould.header_end_) return std::nullopt;
  const auto header = bytes.substr(mould.header_begin_, mould.header_end_ - mould.header_begin_);
  if (lookup3(header) != checksum_at(bytes, mould.header_end_)) return std::nullopt;

  mould.slots_ = {{id_at, trial.id.size(), kId}, {mould.header_end_, sizeof(std::uint32_t), kChecksum}};
  for (std::size_t i = 0; i < trial.tables.size(); ++i) {
    const TrialTable& table = trial.tables[i];
    if (file.values_at.at(i)) mould.slots_.push_back({*file.values_at[i], table.packed.size(), i});
    mould.shape_.push_back({table.name, table.widths, table.rows, {}});
  }
  std::ranges::sort(mould.slots_, {}, &Slot::at);
  std::size_t reached = 0;
  for (const Slot& slot : mould.slots_) {
    // HDF5 names a place beyond the file for values that it keeps in pieces or in a header.
    if (slot.at < reached || slot.size > bytes.size() || slot.at > bytes.size() - slot.size) return std::nullopt;
    mould.pieces_.emplace_back(bytes.substr(reached, slot.at - reached));
    reached = slot.at + slot.size;
  }
  mould.pieces_.emplace_back(bytes.substr(reached));
  return mould;
}

std::string Mould::fill(const StoredTrial& trial) const {
  std::string bytes;
  bytes.reserve(file_bytes_);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    bytes += pieces_[i];
    if (slot.table == kId) {
      bytes += trial.id;
    } else if (slot.table == kChecksum) {
      const std::uint32_t checksum = lookup3(std::string_view(bytes).substr(header_begin_));
      bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
    } else {
      bytes += trial.tables[slot.table].packed;
    }
  }
  return bytes += pieces_.back();
}

std::optional<StoredTrial> Mould::empty(std::string_view bytes) const {
  if (bytes.size() != file_bytes_) return std::nullopt;
  StoredTrial trial{{}, shape_};
  std::string_view rest = bytes;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (!rest.starts_with(pieces_[i])) return std::nullopt;
    const std::string_view content = rest.substr(pieces_[i].size(), slot.size);
    rest.remove_prefix(pieces_[i].size() + slot.size);
    if (slot.table == kId) {
      trial.id = content;
    } else if (slot.table == kChecksum) {
      const auto header = bytes.substr(header_begin_, header_end_ - header_begin_);
      if (lookup3(header) != checksum_at(content, 0)) return std::nullopt;
    } else {
      trial.tables[slot.table].packed = content;
    }
  }
  if (rest != pieces_.back()) return std::nullopt;
  return trial;
}

std::string Moulds::bytes(const StoredTrial& trial) {
  const std::string shape = shape_of(trial);
  const auto found = std::ranges::find(known_, shape, &Known::shape);
  if (found == known_.end()) {
    BuiltFile built = build_(trial);
    if (known_.size() == kMostMoulds) known_.erase(known_.begin());
    known_.push_back({shape, trial.id, Mould::cast(built, trial), false});
    return std::move(built.bytes);
  }
  std::rotate(found, found + 1, known_.end());
  Known& known = known_.back();
  if (!known.mould || (!known.trusted && known.cast_from == trial.id)) return build_(trial).bytes;
  std::string filled = known.mould->fill(trial);
  if (known.trusted) return filled;
  std::string bytes = build_(trial).bytes;
  known.trusted = bytes == filled;
  if (!known.trusted) known.mould.reset();
  return bytes;
}

std::optional<StoredTrial> Moulds::trial_in(std::string_view bytes) const {
  for (const Known& known : known_) {
    if (!known.trusted) continue;
    if (auto trial = known.mould->empty(bytes)) return trial;
  }
  return std::nullopt;
}

bool Moulds::learns() const {
  // The second trial of a shape makes its mould trusted.
  return learnt_ < 2 * kMostMoulds && known_.size() < kMostMoulds;
}

void Moulds::learn(const StoredTrial& trial) {
  ++learnt_;
  bytes(trial);
}

Moulds& trial_moulds() {
  static Moulds moulds(built_by_hdf5);
  return moulds;
}

std::optional<TrialRecord> read_by_mould(const std::filesystem::path& file, Links links, Read how) {
  const auto bytes = bytes_of_small(file, links);
  if (!bytes) return std::nullopt;
  const auto trial = trial_moulds().trial_in(*bytes);
  if (!trial || !plain_name(trial->id)) return std::nullopt;
  try {
    return record_of(trial->id, trial->tables, how);
  } catch (const FileError&) {
    return std::nullopt;
  }
}

void learn_mould(const std::filesystem::path& file, hid_t trials, const std::string& id) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error || size > static_cast<std::uintmax_t>(kSmall_bytes) || !trial_moulds().learns()) return;
  try {
    trial_moulds().learn({id, read_tables(trials, id, Read::Everything)});
  } catch (const FileError&) {
    // Tensors that cannot be read are for those who want them to tell.
  }
}

}  // namespace peftgrid::checkpoint
