#include "checkpoint/trial_mould.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace peftgrid::checkpoint {
namespace {

constexpr std::size_t kMostMoulds = 64, kMostBytes = std::size_t{1} << 17U;

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

std::uint32_t checksum_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// The end of what an object header of version 2 keeps in its first piece, without the checksum there; 0: it has none.
std::size_t end_of_header(const std::string& bytes, std::size_t begin) {
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

std::string shape_of(const std::string& id, const std::vector<TableToWrite>& tables) {
  std::string shape = std::to_string(id.size());
  for (const TableToWrite& table : tables) {
    shape += "\n" + table.name + " " + (table.rows ? std::to_string(*table.rows) : "-");
    for (const std::size_t width : table.widths) shape += " " + std::to_string(width);
  }
  return shape;
}

/// HDF5 names a place beyond the file for values that it keeps in pieces or in a header.
bool values_lie_within(const BuiltFile& file, const std::vector<TableToWrite>& tables) {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::size_t size = tables[i].packed.size(), whole = file.bytes.size();
    if (file.values_at[i] && (size > whole || *file.values_at[i] > whole - size)) return false;
  }
  return true;
}

}  // namespace

std::optional<Mould> Mould::cast(BuiltFile file, const std::string& id, const std::vector<TableToWrite>& tables) {
  if (file.bytes.size() > kMostBytes || !values_lie_within(file, tables)) return std::nullopt;
  Mould mould;
  mould.file_ = std::move(file);
  const std::string& bytes = mould.file_.bytes;
  // The first place: HDF5 writes the group's name before any value, and the checksum below would tell.
  mould.id_at_ = bytes.find(id);
  if (mould.id_at_ == std::string::npos) return std::nullopt;
  mould.header_begin_ = bytes.rfind("OHDR", mould.id_at_);
  if (mould.header_begin_ == std::string::npos) return std::nullopt;
  mould.header_end_ = end_of_header(bytes, mould.header_begin_);
  if (mould.id_at_ + id.size() > mould.header_end_) return std::nullopt;
  const auto header = std::string_view(bytes).substr(mould.header_begin_, mould.header_end_ - mould.header_begin_);
  if (lookup3(header) != checksum_at(bytes, mould.header_end_)) return std::nullopt;
  return mould;
}

std::string Mould::fill(const std::string& id, const std::vector<TableToWrite>& tables) const {
  std::string bytes = file_.bytes;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (const auto at = file_.values_at[i]) bytes.replace(*at, tables[i].packed.size(), tables[i].packed);
  }
  bytes.replace(id_at_, id.size(), id);
  const std::uint32_t checksum = lookup3(std::string_view(bytes).substr(header_begin_, header_end_ - header_begin_));
  std::memcpy(bytes.data() + header_end_, &checksum, sizeof checksum);
  return bytes;
}

std::string Moulds::bytes(const std::string& id, const std::vector<TableToWrite>& tables,
                          const std::function<BuiltFile()>& build) {
  const std::string shape = shape_of(id, tables);
  const auto found = std::ranges::find(known_, shape, &Known::shape);
  if (found == known_.end()) {
    BuiltFile built = build();
    std::string bytes = built.bytes;
    if (known_.size() == kMostMoulds) known_.erase(known_.begin());
    known_.push_back({shape, Mould::cast(std::move(built), id, tables), false});
    return bytes;
  }
  std::rotate(found, found + 1, known_.end());
  Known& known = known_.back();
  if (!known.mould) return build().bytes;
  std::string filled = known.mould->fill(id, tables);
  if (known.trusted) return filled;
  std::string bytes = build().bytes;
  known.trusted = bytes == filled;
  if (!known.trusted) known.mould.reset();
  return bytes;
}

}  // namespace peftgrid::checkpoint
