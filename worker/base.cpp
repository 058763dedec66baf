#include "worker/base.hpp"

#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/catalogue/hash_cache.hpp"

namespace peftgrid::worker {

namespace {

namespace fs = std::filesystem;
using at::Tensor;
using checkpoint::ShardedTensors;

at::ScalarType type_of(const std::string& dtype) {
  if (dtype == "F32") return at::kFloat;
  if (dtype == "F16") return at::kHalf;
  return at::kBFloat16;
}

std::string dtype_of(at::ScalarType type) {
  return type == at::kFloat ? "F32" : "BF16";
}

/// A tensor that points into the mapping. Nothing in the program writes to it; the kernel would refuse.
Tensor view(const char* data, const checkpoint::TensorEntry& entry) {
  return at::from_blob(const_cast<char*>(data), entry.shape, at::TensorOptions().dtype(type_of(entry.dtype)));
}

/// Held while one process of the node makes a file that the others wait for.
class FileLock {
 public:
  explicit FileLock(const fs::path& path) : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0 || flock(file_, LOCK_EX) != 0) throw checkpoint::FileError(path.string() + ": cannot be locked");
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { close(file_); }

 private:
  int file_;
};

class MappedBase : public Base {
 public:
  MappedBase(const BackboneSpec& spec, const std::string& precision, const Backbone& architecture, at::Device device)
      : original_(checkpoint::open_safetensors(spec.path)) {
    std::map<std::string, std::string> in_file;
    for (const auto& [name, located] : original_.tensors) in_file[architecture.canonical_name(name)] = name;
    std::map<std::string, Tensor> tensors;
    std::vector<std::string> to_convert;
    for (const std::string& name : architecture.tensors()) {
      const auto& located = original_.tensors.at(in_file.at(name));
      source_[name] = view(original_.data(located), located.entry);
      if (type_of(located.entry.dtype) == wanted(precision, architecture, name)) {
        tensors[name] = source_[name];
      } else {
        to_convert.push_back(name);
      }
    }
    if (!to_convert.empty()) take_converted(spec, precision, architecture, to_convert, tensors);
    for (auto& [name, tensor] : tensors) tensor = tensor.to(device);
    weights_ = Weights(std::move(tensors));
  }

  const Weights& weights() const override { return weights_; }
  Tensor fp32_copy(const std::string& name) const override {
    return source_.at(name).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  }

 private:
  static at::ScalarType wanted(const std::string& precision, const Backbone& architecture, const std::string& name) {
    return precision == "bf16" && architecture.is_product(name) ? at::kBFloat16 : at::kFloat;
  }

  /// The readout decides which tensors are asked for, so their names are part of the file's.
  void take_converted(const BackboneSpec& spec, const std::string& precision, const Backbone& architecture,
                      const std::vector<std::string>& names, std::map<std::string, Tensor>& tensors) {
    std::string described = spec.weights_sha256 + precision;
    for (const std::string& name : names) described += "," + name;
    const std::string key = checkpoint::sha256(described);
    const fs::path folder = cache_folder() / "weights" / key.substr(0, 32);
    fs::create_directories(folder);
    const fs::path file = folder / "model.safetensors";
    {
      const FileLock lock(folder / "lock");
      if (!fs::exists(file)) convert(precision, architecture, names, file);
    }
    converted_ = checkpoint::open_safetensors(folder);
    for (const std::string& name : names) {
      const auto& located = converted_->tensors.at(name);
      tensors[name] = view(converted_->data(located), located.entry);
    }
  }

  void convert(const std::string& precision, const Backbone& architecture, const std::vector<std::string>& names,
               const fs::path& file) const {
    std::vector<Tensor> alive;
    std::vector<checkpoint::TensorToWrite> out;
    for (const std::string& name : names) {
      const at::ScalarType type = wanted(precision, architecture, name);
      const Tensor& tensor = alive.emplace_back(source_.at(name).to(type));
      out.push_back({name, dtype_of(type), tensor.sizes().vec(), tensor.const_data_ptr(), tensor.nbytes()});
    }
    const fs::path draft = checkpoint::draft_beside(file);
    checkpoint::write_safetensors(draft, out);
    checkpoint::publish_replacing(draft, file);
  }

  ShardedTensors original_;
  std::optional<ShardedTensors> converted_;
  std::map<std::string, Tensor> source_;
  Weights weights_;
};

}  // namespace

std::shared_ptr<const Base> open_base(const BackboneSpec& spec, const std::string& precision,
                                      const Backbone& architecture, at::Device device) {
  return std::make_shared<const MappedBase>(spec, precision, architecture, device);
}

}  // namespace peftgrid::worker
