#include "worker/training_state.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "checkpoint/errors.hpp"
#include "checkpoint/publish.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/sha256.hpp"
#include "worker/json_number.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

constexpr const char* kState = "state";  // JSON, as bytes

std::string_view bytes(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

std::vector<std::pair<const char*, const at::Tensor*>> tensors_of(const TrainingState& s) {
  std::vector<std::pair<const char*, const at::Tensor*>> all = {
      {"values", &s.values}, {"first_moment", &s.first}, {"second_moment", &s.second}};
  if (s.best_values.defined()) all.emplace_back("best_values", &s.best_values);
  return all;
}

json describe(const std::string& id, const TrainingState& s) {
  json curve = json::array();
  for (const checkpoint::CurvePoint& p : s.curve) {
    curve.push_back({p.step, to_json_number(p.epoch), to_json_number(p.train_loss), to_json_number(p.selection_score)});
  }
  json hashes = json::object();
  for (const auto& [name, tensor] : tensors_of(s)) hashes[name] = checkpoint::sha256(bytes(*tensor));
  return {{"id", id},
          {"step", s.step},
          {"evaluation_due", s.evaluation_due},
          {"micro_step", s.micro_step},
          {"loss_sum", to_json_number(s.loss_sum)},
          {"losses", s.losses},
          {"curve", curve},
          {"best_step", s.best_step},
          {"without_improvement", s.without_improvement},
          {"best_score", to_json_number(s.best_score)},
          {"idle_factor", s.idle_factor},
          {"training_tokens", s.training_tokens},
          {"training_s", s.training_s},
          {"evaluation_s", s.evaluation_s},
          {"total_s", s.total_s},
          {"rank_s", s.rank_s},
          {"cpu_s", s.cpu_s},
          {"sha256", hashes}};
}

TrainingState numbers_of(const json& body) {
  TrainingState s;
  s.step = body.at("step");
  s.evaluation_due = body.at("evaluation_due");
  s.micro_step = body.at("micro_step");
  s.loss_sum = from_json_number(body.at("loss_sum"));
  s.losses = body.at("losses");
  for (const json& p : body.at("curve")) {
    s.curve.push_back({p.at(0), from_json_number(p.at(1)), from_json_number(p.at(2)), from_json_number(p.at(3))});
  }
  s.best_step = body.at("best_step");
  s.without_improvement = body.at("without_improvement");
  s.best_score = from_json_number(body.at("best_score"));
  s.idle_factor = body.at("idle_factor");
  s.training_tokens = body.at("training_tokens");
  s.training_s = body.at("training_s");
  s.evaluation_s = body.at("evaluation_s");
  s.total_s = body.at("total_s");
  s.rank_s = body.at("rank_s");
  s.cpu_s = body.at("cpu_s");
  return s;
}

/// Throws std::runtime_error where the file does not hold such a tensor, whole.
at::Tensor tensor_of(const checkpoint::MappedFile& file, const checkpoint::TensorIndex& index, const json& hashes,
                     const std::string& name, std::int64_t parameters) {
  const checkpoint::TensorEntry& entry = index.at(name);
  if (entry.dtype != "F32" || entry.shape != std::vector{parameters})
    throw std::runtime_error(name + ": another shape");
  const std::string_view held = file.bytes().substr(entry.begin, entry.end - entry.begin);
  if (checkpoint::sha256(held) != hashes.at(name).get<std::string>()) throw std::runtime_error(name + ": damaged");
  at::Tensor tensor = at::empty({parameters}, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), held.data(), held.size());
  return tensor;
}

}  // namespace

std::uint64_t bytes_of(const TrainingState& state) {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors_of(state)) sum += tensor->nbytes();
  return sum;
}

void write_state(const std::filesystem::path& file, const std::string& id, const TrainingState& state) {
  const std::string text = describe(id, state).dump();
  std::vector<checkpoint::TensorToWrite> all;
  for (const auto& [name, tensor] : tensors_of(state)) {
    all.push_back({name, "F32", {tensor->numel()}, tensor->const_data_ptr(), tensor->nbytes()});
  }
  all.push_back({kState, "U8", {static_cast<std::int64_t>(text.size())}, text.data(), text.size()});
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) throw checkpoint::FileError(file.parent_path().string() + ": cannot be made: " + error.message());
  const auto draft = checkpoint::draft_beside(file);
  checkpoint::write_safetensors(draft, all);
  checkpoint::publish_replacing(draft, file);
}

std::optional<TrainingState> read_state(const std::filesystem::path& file, const std::string& id,
                                        std::int64_t parameters) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    const checkpoint::MappedFile mapped(file);
    const auto index = checkpoint::parse_safetensors_header(mapped.bytes(), mapped.bytes().size(), file.string());
    const checkpoint::TensorEntry& text = index.at(kState);
    const json body = json::parse(mapped.bytes().substr(text.begin, text.end - text.begin));
    if (body.at("id").get<std::string>() != id) return std::nullopt;
    TrainingState state = numbers_of(body);
    const json& hashes = body.at("sha256");
    state.values = tensor_of(mapped, index, hashes, "values", parameters);
    state.first = tensor_of(mapped, index, hashes, "first_moment", parameters);
    state.second = tensor_of(mapped, index, hashes, "second_moment", parameters);
    if (index.contains("best_values")) {
      state.best_values = tensor_of(mapped, index, hashes, "best_values", parameters);
    }
    return state;
  } catch (const std::exception&) {  // a header, JSON or tensor that is not as write_state leaves it
    return std::nullopt;
  }
}

std::optional<TrainingState> share_state(const Team& team, const std::string& id, std::optional<TrainingState> state,
                                         std::int64_t parameters) {
  const std::string text = team.share(state ? describe(id, *state).dump() : "", "the state of the trial");
  if (text.empty()) return std::nullopt;
  if (!team.leads()) {
    const json body = json::parse(text);
    state = numbers_of(body);
    for (at::Tensor* tensor : {&state->values, &state->first, &state->second})
      *tensor = at::empty({parameters}, at::kFloat);
    if (body.at("sha256").contains("best_values")) state->best_values = at::empty({parameters}, at::kFloat);
  }
  for (at::Tensor* tensor : {&state->values, &state->first, &state->second, &state->best_values}) {
    if (!tensor->defined()) continue;
    team.share({static_cast<std::byte*>(tensor->mutable_data_ptr()), static_cast<std::size_t>(tensor->nbytes())},
               "the state of the trial");
  }
  return state;
}

}  // namespace peftgrid::worker
