#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mapped_file.hpp"

namespace peftgrid::checkpoint {

/// Where one tensor lies in a safetensors file. Format: an 8-byte little-endian header length, a JSON header, the data.
struct TensorEntry {
  std::string dtype;  // F32 F16 BF16 I64 ...
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes from the start of the file
};
using TensorIndex = std::map<std::string, TensorEntry>;

/// Parses and checks a header: sizes against `file_bytes` and shapes, no holes, no overlaps, at most 100 MB of header.
/// `start` is the file's beginning (the length field and the header at least). Throws FileError naming `where`.
TensorIndex parse_safetensors_header(std::string_view start, std::uint64_t file_bytes, const std::string& where);

/// The safetensors of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
struct ShardedTensors {
  struct Located {
    std::size_t file;  // of `files`
    TensorEntry entry;
  };
  std::vector<MappedFile> files;
  std::map<std::string, Located> tensors;
  const char* data(const Located& tensor) const { return files[tensor.file].bytes().data() + tensor.entry.begin; }
};
/// Throws FileError: no such file (a folder with only a .bin is told how to convert it), a shard missing, a shard
/// outside the folder, one tensor in two shards, an index that names a tensor its shard does not hold.
ShardedTensors open_safetensors(const std::filesystem::path& folder);

/// Writes fp32 / fp16 / bf16 tensors as one safetensors file, entries in the order given, data aligned to 64 bytes.
/// Throws FileError; nothing of a file that the disk refused stays, and one that cannot fit is not begun.
struct TensorToWrite {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  const void* data;
  std::uint64_t bytes;
};
void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors);

}  // namespace peftgrid::checkpoint
