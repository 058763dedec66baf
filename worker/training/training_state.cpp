#include "worker/training/training_state.hpp"

#include <ATen/ops/empty.h>

#include <cstring>

#include "checkpoint/errors.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/plain_file.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"

namespace peftgrid::worker {

namespace {

constexpr const char* kSharing = "the state of the trial";

std::string_view bytes(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {static_cast<const char*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

at::Tensor tensor_of(std::string_view held) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(held.size() / sizeof(float))}, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), held.data(), held.size());
  return tensor;
}

}  // namespace

std::uint64_t bytes_of(const TrainingState& state) {
  std::uint64_t sum = 0;
  for (const at::Tensor* tensor : {&state.values, &state.first, &state.second, &state.best_values}) {
    sum += bytes(*tensor).size();
  }
  return sum;
}

StateOwner state_owner(const std::string& id, const FlatParameters& parameters) {
  std::string listed;
  for (const Trained& parameter : parameters.parameters()) {
    listed += parameter.name;
    for (const std::int64_t size : parameter.tensor.sizes()) listed += " " + std::to_string(size);
    listed += '\n';
  }
  return {id, checkpoint::sha256(listed), parameters.values().numel()};
}

void write_state(const std::filesystem::path& file, const StateOwner& owner, const TrainingState& state) {
  std::error_code error;
  // Not those above it: a run folder that is away is not made again, lest a run writes beneath a mount point.
  std::filesystem::create_directory(file.parent_path(), error);
  if (error) throw checkpoint::FileError(file.parent_path().string() + ": cannot be made: " + error.message());
  StateText text;
  const StateBuffers buffers{bytes(state.values), bytes(state.first), bytes(state.second), bytes(state.best_values)};
  const auto draft = checkpoint::draft_beside(file);
  checkpoint::write_safetensors(draft, state_tensors(state, owner, buffers, text));
  checkpoint::publish_replacing(draft, file);
}

std::optional<TrainingState> read_state(const std::filesystem::path& file, const StateOwner& owner) {
  if (!checkpoint::is_there(file)) return std::nullopt;
  try {
    const checkpoint::MappedFile mapped(file, checkpoint::Links::Refuse);
    const StateContent content = state_content(mapped.bytes(), owner);
    TrainingState state{content.progress, tensor_of(content.buffers.values), tensor_of(content.buffers.first),
                        tensor_of(content.buffers.second), at::Tensor()};
    if (!content.buffers.best_values.empty()) state.best_values = tensor_of(content.buffers.best_values);
    return state;
  } catch (const std::exception&) {  // a header, a number or a tensor that is not as write_state leaves it
    return std::nullopt;
  }
}

std::optional<TrainingState> share_state(const Team& team, std::optional<TrainingState> state,
                                         std::int64_t parameters) {
  const std::string progress = team.share(state ? to_json(*state) : "", kSharing);
  if (progress.empty()) return std::nullopt;
  const bool selected = !team.share(state && state->best_values.defined() ? "selected" : "", kSharing).empty();
  if (!team.leads()) {
    const auto buffer = [&] { return at::empty({parameters}, at::kFloat); };
    state =
        TrainingState{progress_from_json(progress), buffer(), buffer(), buffer(), selected ? buffer() : at::Tensor()};
  }
  for (at::Tensor* tensor : {&state->values, &state->first, &state->second, &state->best_values}) {
    if (!tensor->defined()) continue;
    team.share({static_cast<std::byte*>(tensor->mutable_data_ptr()), static_cast<std::size_t>(tensor->nbytes())},
               kSharing);
  }
  return state;
}

}  // namespace peftgrid::worker
