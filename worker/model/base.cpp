#include "worker/model/base.hpp"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include "checkpoint/errors.hpp"
#include "checkpoint/file_lock.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/errors.hpp"
#include "worker/plan/hash_cache.hpp"

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

/// The tensor that `fact` names within the file's, [out, in], without a copy.
Tensor part_of(const Tensor& in_file, const TensorFact& fact) {
  return (fact.transposed ? in_file.t() : in_file).narrow(0, fact.first_row, fact.shape[0]);
}

std::vector<fs::path> paths_of(const ShardedTensors& tensors) {
  std::vector<fs::path> paths;
  for (const checkpoint::MappedFile& file : tensors.files) paths.push_back(file.path());
  return paths;
}

/// A file that a base is mapped from or was read of, as it was then.
struct Watched {
  fs::path file;
  checkpoint::FileStamp stamp;
};

class MappedBase : public Base {
 public:
  MappedBase(const BackboneSpec& spec, const std::string& precision, const ModelFacts& model, at::Device device)
      : spec_(spec), original_(checkpoint::open_safetensors(spec.path)) {
    watch_original();
    std::vector<std::string> names;
    for (const auto& [name, located] : original_.tensors) names.push_back(name);
    const auto in_file = names_in_file(*model.architecture, names, spec.path);
    std::map<std::string, Tensor> tensors;
    std::vector<TensorFact> to_convert;
    for (const TensorFact& fact : model.tensors) {
      const auto& located = original_.tensors.at(in_file.at(fact.in_file));
      const Tensor& source = source_[fact.name] = part_of(view(original_.data(located), located.entry), fact);
      // oneDNN takes 2,000 times as long for a matrix that lies the other way round
      // (docs/adding_a_backbone.md).
      if (type_of(located.entry.dtype) == wanted(precision, fact) && source.is_contiguous()) {
        tensors[fact.name] = source;
      } else {
        to_convert.push_back(fact);
      }
    }
    if (!to_convert.empty()) take_converted(precision, to_convert, tensors);
    for (auto& [name, tensor] : tensors) tensor = tensor.to(device);
    weights_ = Weights(std::move(tensors));
  }

  const Weights& weights() const override { return weights_; }
  void check_unchanged() const override {
    // Another stamp may be that of a second link, or of the same bytes written again: then their hash decides.
    if (!are_unchanged(original_files_)) check_original();
    if (!are_unchanged(converted_files_)) {
      throw ChangedInput(converted_files_.front().file.string() +
                         ": converted weights were changed while they were in use; the same command makes them anew");
    }
  }

  Tensor fp32_copy(std::string_view name) const override {
    return source_.at(std::string(name))
        .to(at::kFloat, /*non_blocking=*/false, /*copy=*/true, at::MemoryFormat::Contiguous);
  }

 private:
  static at::ScalarType wanted(const std::string& precision, const TensorFact& fact) {
    return precision == "bf16" && fact.role == TensorFact::Role::Product ? at::kBFloat16 : at::kFloat;
  }

  void watch_original() {
    for (const checkpoint::MappedFile& file : original_.files) original_files_.push_back({file.path(), file.stamp()});
    const fs::path config = fs::path(spec_.path) / "config.json";
    original_files_.push_back({config, checkpoint::stamp_of(config).value_or(checkpoint::FileStamp{})});
    check_original();
  }

  void check_original() const {
    std::string now;
    try {
      now = worker::weights_sha256(paths_of(original_), spec_.path);
    } catch (const checkpoint::FileError& error) {
      throw ChangedInput(error.what());
    }
    if (now != spec_.weights_sha256) {
      throw ChangedInput((spec_.path + ": its weights (" + original_.files.front().path().filename().string()) +
                         ") have changed since the run was planned; the same command plans anew");
    }
  }

  /// The readout decides which tensors are asked for, so their names are part of the file's.
  void take_converted(const std::string& precision, const std::vector<TensorFact>& facts,
                      std::map<std::string, Tensor>& tensors) {
    std::string described = spec_.weights_sha256 + precision;
    for (const TensorFact& fact : facts) described += "," + fact.name;
    const std::string key = checkpoint::sha256(described);
    const auto file = cache_file("weights/" + key.substr(0, 32), "model.safetensors");
    if (file && map_converted(*file, key, [&] { convert(precision, facts, *file, key); })) {
      for (const TensorFact& fact : facts) {
        const auto& located = converted_->tensors.at(fact.name);
        tensors[fact.name] = view(converted_->data(located), located.entry);
      }
      return;
    }
    // Without a cache each rank keeps a copy of its own: dear, but no trial's failure.
    for (const TensorFact& fact : facts) tensors[fact.name] = converted(precision, fact);
  }

  /// False where the cache does not take the file.
  bool map_converted(const fs::path& file, const std::string& key, const std::function<void()>& make) {
    const checkpoint::FileLock lock(file.parent_path() / "lock");
    checkpoint::remove_dead_drafts(file.parent_path());
    try {
      if (!is_as_converted(file, key)) make();
      if (!is_as_converted(file, key)) return false;
      converted_ = checkpoint::open_safetensors(file.parent_path());
    } catch (const checkpoint::FileError&) {
      return false;
    }
    for (const checkpoint::MappedFile& mapped : converted_->files) {
      converted_files_.push_back({mapped.path(), mapped.stamp()});
    }
    return true;
  }

  /// Does the file hold what was once written to it? Beside it lies its hash, of content and key together.
  static bool is_as_converted(const fs::path& file, const std::string& key) {
    const fs::path note = file.parent_path() / "sha256";
    if (!checkpoint::is_there(file) || checkpoint::not_plain(file) || !checkpoint::is_there(note)) return false;
    constexpr std::uint64_t kMostNoteBytes = 1 << 10;
    return checkpoint::read_plain(note, kMostNoteBytes, checkpoint::Links::Refuse) ==
           checkpoint::sha256(content_sha256(file) + key);
  }

  void convert(const std::string& precision, const std::vector<TensorFact>& facts, const fs::path& file,
               const std::string& key) const {
    std::vector<Tensor> alive;
    std::vector<checkpoint::TensorToWrite> out;
    for (const TensorFact& fact : facts) {
      const Tensor& tensor = alive.emplace_back(converted(precision, fact));
      out.push_back(
          {fact.name, dtype_of(tensor.scalar_type()), tensor.sizes().vec(), tensor.const_data_ptr(), tensor.nbytes()});
    }
    const fs::path draft = checkpoint::draft_beside(file);
    checkpoint::write_safetensors(draft, out);
    checkpoint::publish_replacing(draft, file);
    checkpoint::publish_bytes_replacing(checkpoint::sha256(content_sha256(file) + key), file.parent_path() / "sha256");
  }

  Tensor converted(const std::string& precision, const TensorFact& fact) const {
    return source_.at(fact.name).to(wanted(precision, fact)).contiguous();
  }

  static bool are_unchanged(const std::vector<Watched>& files) {
    return std::ranges::all_of(files, [](const Watched& w) { return checkpoint::stamp_of(w.file) == w.stamp; });
  }

  BackboneSpec spec_;
  ShardedTensors original_;
  std::optional<ShardedTensors> converted_;
  std::vector<Watched> original_files_, converted_files_;
  std::map<std::string, Tensor> source_;
  Weights weights_;
};

}  // namespace

std::shared_ptr<const Base> open_base(const BackboneSpec& spec, const std::string& precision, const ModelFacts& model,
                                      at::Device device) {
  return std::make_shared<const MappedBase>(spec, precision, model, device);
}

}  // namespace peftgrid::worker
