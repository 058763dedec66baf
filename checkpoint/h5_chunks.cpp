#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/h5.hpp"

namespace peftgrid::checkpoint::h5 {
namespace {

constexpr std::size_t kFletcherBytes = 4;

/// How a table lies in pieces of equally many rows, and what each of them went through.
struct Chunking {
  std::size_t rows = 0, bytes = 0;  // of a chunk, the last one too
  std::vector<H5Z_filter_t> filters;
  std::size_t shuffled_bytes = 1;  // of what the shuffle filter takes for a value
};

/// The place of a chunk in the file.
struct Chunk {
  hsize_t first_row = 0, bytes = 0;
  unsigned skipped = 0;  // one bit a filter
};

std::size_t chunks_of(const Table& table, const Chunking& chunking) {
  return table.rows / chunking.rows + (table.rows % chunking.rows == 0 ? 0 : 1);
}

/// In the order in which h5repack and h5py apply them: what comes after gzip would hide how much it unpacks to.
void add_filter(Chunking& chunking, hid_t creation, unsigned number, const std::string& name) {
  unsigned flags = 0;
  std::array<unsigned, 8> values{};
  std::size_t count = values.size();
  const H5Z_filter_t filter = H5Pget_filter2(creation, number, &flags, &count, values.data(), 0, nullptr, nullptr);
  const bool known = filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32;
  const bool again = std::ranges::find(chunking.filters, filter) != chunking.filters.end();
  const bool after_gzip = std::ranges::find(chunking.filters, H5Z_FILTER_DEFLATE) != chunking.filters.end();
  if (!known || again || (after_gzip && filter != H5Z_FILTER_FLETCHER32)) {
    throw UnreadError(UnreadError::Why::Unreadable,
                      name +
                          " went through another filter than shuffle, gzip and fletcher32, in this order; h5repack " +
                          "-f NONE would make it right");
  }
  if (filter == H5Z_FILTER_SHUFFLE && count > 0) chunking.shuffled_bytes = std::max(1U, values[0]);
  chunking.filters.push_back(filter);
}

Chunking chunking_of(const Table& table, const std::string& name) {
  const Properties creation(check(H5Dget_create_plist(table.dataset.get()), name));
  hsize_t rows = 0;
  unsigned options = 0;
  check(H5Pget_chunk(creation.get(), 1, &rows), name);
  check(H5Pget_chunk_opts(creation.get(), &options), name);
  Chunking chunking;
  chunking.rows = rows;
  if (rows == 0 || options != 0 || __builtin_mul_overflow(chunking.rows, table.row_bytes, &chunking.bytes)) {
    throw UnreadError(UnreadError::Why::Unreadable,
                      name + " lies in chunks of a foreign kind; h5repack -l CONTI would make it right");
  }
  const auto filters = static_cast<unsigned>(check(H5Pget_nfilters(creation.get()), name));
  for (unsigned i = 0; i < filters; ++i) add_filter(chunking, creation.get(), i, name);
  return chunking;
}

Chunk chunk_at(const Table& table, const Chunking& chunking, std::size_t number, const std::string& name) {
  Chunk chunk;
  chunk.first_row = number * chunking.rows;
  haddr_t place = HADDR_UNDEF;
  check(H5Dget_chunk_info_by_coord(table.dataset.get(), &chunk.first_row, &chunk.skipped, &place, &chunk.bytes), name);
  if (place == HADDR_UNDEF) throw FileError(name + " lacks some of its values");
  return chunk;
}

std::string unzipped(const std::string& packed, std::size_t bytes, const std::string& name) {
  std::string out(bytes, '\0');
  uLongf length = bytes;
  const int answer = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &length,
                                  reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  if (answer != Z_OK || length != bytes) throw FileError(name + " is damaged: its compressed values do not unpack");
  return out;
}

/// The shuffle filter puts first the first byte of each value, then the second of each; what is left over stays.
std::string unshuffled(const std::string& shuffled, std::size_t each) {
  std::string out = shuffled;
  const std::size_t values = shuffled.size() / each;
  for (std::size_t byte = 0; byte < each; ++byte) {
    for (std::size_t i = 0; i < values; ++i) out[i * each + byte] = shuffled[byte * values + i];
  }
  return out;
}

/// Fletcher's sums are not computed: the hashes of the trial cover its values.
std::string unfiltered(std::string bytes, const Chunk& chunk, const Chunking& chunking, const std::string& name) {
  const auto applied = [&](std::size_t i) { return (chunk.skipped & (1U << i)) == 0; };
  for (std::size_t i = chunking.filters.size(); i-- > 0;) {
    if (!applied(i)) continue;
    const H5Z_filter_t filter = chunking.filters[i];
    if (filter == H5Z_FILTER_SHUFFLE) {
      bytes = unshuffled(bytes, chunking.shuffled_bytes);
    } else if (filter == H5Z_FILTER_FLETCHER32) {
      bytes.resize(bytes.size() - std::min(bytes.size(), kFletcherBytes));
    } else {
      const auto sums = std::ranges::find(chunking.filters, H5Z_FILTER_FLETCHER32) - chunking.filters.begin();
      const bool summed = static_cast<std::size_t>(sums) < i && applied(static_cast<std::size_t>(sums));
      bytes = unzipped(bytes, chunking.bytes + (summed ? kFletcherBytes : 0), name);
    }
  }
  if (bytes.size() != chunking.bytes) throw FileError(name + " is damaged: a chunk has not the size of its rows");
  return bytes;
}

}  // namespace

void check_chunks(const Table& table, std::uint64_t most_bytes, const std::string& name) {
  const Chunking chunking = chunking_of(table, name);
  hsize_t there = 0;
  const Space space(check(H5Dget_space(table.dataset.get()), name));
  check(H5Dget_num_chunks(table.dataset.get(), space.get(), &there), name);
  if (there != chunks_of(table, chunking)) throw FileError(name + " lacks some of its values");
  std::uint64_t left = most_bytes;
  for (std::size_t i = 0; i < there; ++i) {
    const hsize_t bytes = chunk_at(table, chunking, i, name).bytes;
    if (bytes > left) throw FileError(name + " claims more bytes in chunks than the file has");
    left -= bytes;
  }
}

std::string read_chunks(const Table& table, const std::string& name) {
  const Chunking chunking = chunking_of(table, name);
  const std::size_t wanted = table.rows * table.row_bytes;
  // Rows beyond the last may fill its chunk; a chunk far larger than the table is nothing that a tool makes.
  constexpr std::size_t kMostChunk = std::size_t{16} << 20U;
  if (chunking.bytes > std::max(wanted, kMostChunk)) throw FileError(name + " lies in chunks of a foreign size");
  std::string packed;
  for (std::size_t i = 0; i < chunks_of(table, chunking); ++i) {
    const Chunk chunk = chunk_at(table, chunking, i, name);
    std::string bytes(chunk.bytes, '\0');
    std::uint32_t skipped = 0;
    check(H5Dread_chunk(table.dataset.get(), H5P_DEFAULT, &chunk.first_row, &skipped, bytes.data()), name);
    packed += unfiltered(std::move(bytes), chunk, chunking, name);
  }
  packed.resize(wanted);
  return packed;
}

}  // namespace peftgrid::checkpoint::h5
