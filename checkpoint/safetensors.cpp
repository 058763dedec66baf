#include "checkpoint/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "checkpoint/errors.hpp"
#include "checkpoint/plain_file.hpp"

namespace peftgrid::checkpoint {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLargestHeader = 100'000'000;  // what the reference implementation allows
constexpr std::uint64_t kLengthField = 8;
constexpr int kDeepest = 4;  // header > tensor > shape; metadata is no deeper
constexpr std::size_t kMostTensorDimensions = 16;
constexpr std::uint64_t kAlignment = 64;

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kDtypes = {
    Dtype{"F64", 8},     Dtype{"F32", 4},     Dtype{"F16", 2},     Dtype{"BF16", 2}, Dtype{"I64", 8}, Dtype{"I32", 4},
    Dtype{"I16", 2},     Dtype{"I8", 1},      Dtype{"U64", 8},     Dtype{"U32", 4},  Dtype{"U16", 2}, Dtype{"U8", 1},
    Dtype{"F8_E4M3", 1}, Dtype{"F8_E5M2", 1}, Dtype{"F8_E8M0", 1}, Dtype{"BOOL", 1}, Dtype{"C64", 8}};

std::optional<std::uint64_t> bytes_of(std::string_view dtype) {
  const auto* const found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.name == dtype; });
  if (found == kDtypes.end()) return std::nullopt;
  return found->bytes;
}

/// Bytes of a tensor, or nothing where the product does not fit into 64 bits or a dimension is negative.
std::optional<std::uint64_t> bytes_of(const std::vector<std::int64_t>& shape, std::uint64_t each) {
  std::uint64_t product = each;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(product, static_cast<std::uint64_t>(size), &product)) return std::nullopt;
  }
  return product;
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kLengthField; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

/// Parses JSON without letting it nest deep (each level of a hostile header costs a hundred times its bytes) or name a
/// tensor twice (the parser would keep the last).
json parse_header_json(std::string_view text, const std::string& where) {
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepest) throw FileError(where + ": the header nests deeper than a safetensors header does");
    if (event == json::parse_event_t::key && depth == 1 && !names.insert(parsed.get<std::string>()).second) {
      throw FileError(where + ": the header names " + parsed.dump(-1, ' ', true, json::error_handler_t::replace) +
                      " twice");
    }
    return true;
  };
  try {
    json header = json::parse(text, check);
    if (!header.is_object()) throw FileError(where + ": the header is not a JSON object");
    return header;
  } catch (const json::exception& error) {
    throw FileError(where + ": the header is not JSON: " + error.what());
  }
}

std::optional<std::uint64_t> natural(const json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

std::vector<std::int64_t> read_shape(const json& tensor, const std::string& where) {
  const auto shape = tensor.find("shape");
  if (shape == tensor.end() || !shape->is_array()) throw FileError(where + " has no list \"shape\"");
  if (shape->size() > kMostTensorDimensions) throw FileError(where + fmt::format(" has {} dimensions", shape->size()));
  std::vector<std::int64_t> sizes;
  for (const json& size : *shape) {
    const auto value = natural(size);
    if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw FileError(where + ": its shape holds " + size.dump() + "; a whole number from 0 on is right");
    }
    sizes.push_back(static_cast<std::int64_t>(*value));
  }
  return sizes;
}

TensorEntry read_entry(const json& tensor, std::uint64_t data_begin, std::uint64_t data_bytes,
                       const std::string& where) {
  if (!tensor.is_object()) throw FileError(where + " is not described by a JSON object");
  TensorEntry entry;
  const auto dtype = tensor.find("dtype");
  if (dtype == tensor.end() || !dtype->is_string()) throw FileError(where + " has no \"dtype\"");
  entry.dtype = dtype->get<std::string>();
  const auto each = bytes_of(entry.dtype);
  if (!each) throw FileError(where + " is of the unknown type " + entry.dtype + "; F32, F16 and BF16 are usual");
  entry.shape = read_shape(tensor, where);

  const auto offsets = tensor.find("data_offsets");
  if (offsets == tensor.end() || !offsets->is_array() || offsets->size() != 2) {
    throw FileError(where + " has no pair \"data_offsets\"");
  }
  const auto begin = natural((*offsets)[0]);
  const auto end = natural((*offsets)[1]);
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    throw FileError(where + fmt::format(" lies at {} but the file holds {} bytes of data: is it cut short?",
                                        offsets->dump(), data_bytes));
  }
  const auto wanted = bytes_of(entry.shape, *each);
  if (!wanted || *wanted != *end - *begin) {
    throw FileError(
        where + fmt::format(" has {} bytes, which is not what its shape and type {} need", *end - *begin, entry.dtype));
  }
  entry.begin = data_begin + *begin;
  entry.end = data_begin + *end;
  return entry;
}

void check_layout(const TensorIndex& index, std::uint64_t data_begin, std::uint64_t file_bytes,
                  const std::string& where) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const auto& [name, entry] : index) spans.emplace_back(entry.begin, entry.end);
  std::sort(spans.begin(), spans.end());
  std::uint64_t reached = data_begin;
  for (const auto& [begin, end] : spans) {
    if (begin < reached) throw FileError(where + fmt::format(": two tensors overlap at byte {}", begin));
    if (begin > reached) throw FileError(where + fmt::format(": bytes {} to {} belong to no tensor", reached, begin));
    reached = end;
  }
  if (reached != file_bytes) {
    throw FileError(where + fmt::format(": bytes {} to {} belong to no tensor", reached, file_bytes));
  }
}

/// A draft that is larger than what is free would fill the disk before it fails, and others' results would find it
/// full.
void refuse_without_room(const std::filesystem::path& file, std::uint64_t bytes) {
  std::error_code unknown;
  const auto room = std::filesystem::space(file.parent_path().empty() ? "." : file.parent_path(), unknown);
  if (unknown || bytes <= room.available) return;
  throw FileError(fmt::format("{}: its {} bytes do not fit into the {} that are free on the disk", file.string(), bytes,
                              room.available));
}

void write_pieces(const std::filesystem::path& file, const std::vector<std::string_view>& pieces) {
  std::uint64_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  refuse_without_room(file, bytes);
  OpenFile out = open_plain(file, O_WRONLY | O_CREAT | O_TRUNC, Links::Refuse);
  int failed = 0;
  for (std::size_t i = 0; i < pieces.size() && failed == 0; ++i) failed = write_all(out.get(), pieces[i]);
  if (::close(out.release()) != 0 && failed == 0) failed = errno;
  if (failed == 0) return;
  ::unlink(file.c_str());
  throw FileError(file.string() + ": cannot be written: " + system_message(failed));
}

}  // namespace

TensorIndex parse_safetensors_header(std::string_view start, std::uint64_t file_bytes, const std::string& where) {
  if (start.size() < kLengthField || file_bytes < kLengthField) {
    throw FileError(where + fmt::format(": {} bytes are too few for a safetensors file", file_bytes));
  }
  const std::uint64_t length = little_endian(start);
  if (length > kLargestHeader || length > file_bytes - kLengthField || length > start.size() - kLengthField) {
    throw FileError(where + fmt::format(": its header claims {} bytes of a file of {}: not safetensors, or cut short "
                                        "(a Git LFS pointer looks like this too)",
                                        length, file_bytes));
  }
  const json header = parse_header_json(start.substr(kLengthField, length), where);
  const std::uint64_t data_begin = kLengthField + length;
  TensorIndex index;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    index.emplace(name, read_entry(tensor, data_begin, file_bytes - data_begin, where + ": tensor " + name));
  }
  check_layout(index, data_begin, file_bytes, where);
  return index;
}

void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = {{"format", "pt"}};
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const auto each = bytes_of(tensor.dtype);
    if (!each || bytes_of(tensor.shape, *each) != tensor.bytes || header.contains(tensor.name)) {
      throw FileError(file.string() + ": tensor " + tensor.name +
                      " cannot be written: its type, shape and bytes disagree, or its name is taken");
    }
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text = header.dump();
  text.append((kAlignment - (kLengthField + text.size()) % kAlignment) % kAlignment, ' ');

  std::string start(kLengthField, '\0');
  for (std::uint64_t i = 0; i < kLengthField; ++i) start[i] = static_cast<char>((text.size() >> (8 * i)) & 255U);
  std::vector<std::string_view> pieces = {start, text};
  for (const TensorToWrite& tensor : tensors) pieces.emplace_back(static_cast<const char*>(tensor.data), tensor.bytes);
  write_pieces(file, pieces);
}

}  // namespace peftgrid::checkpoint
