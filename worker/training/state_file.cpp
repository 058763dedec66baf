#include "worker/training/state_file.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "checkpoint/sha256.hpp"
#include "worker/json_number.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

constexpr std::int64_t kMostSteps = std::numeric_limits<std::uint32_t>::max();  // dropout counts them in 32 bits
constexpr std::int64_t kMostTokens = std::int64_t{1} << 53;
constexpr double kLongest_s = 1e10;
constexpr int kDeepest = 4;

std::int64_t whole(const json& value, std::int64_t least, std::int64_t most, const char* name) {
  if (!value.is_number_integer()) throw std::runtime_error(std::string(name) + " is no whole number");
  const bool fits =
      value.is_number_unsigned()
          ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
          : true;
  const std::int64_t number = fits ? value.get<std::int64_t>() : -1;
  if (!fits || number < least || number > most) throw std::runtime_error(std::string(name) + " is out of its bounds");
  return number;
}

/// NaN stands for what JSON cannot say.
double real(const json& value, const char* name) {
  if (!value.is_null() && !value.is_number()) throw std::runtime_error(std::string(name) + " is no number");
  return from_json_number(value);
}

double seconds(const json& body, const char* name) {
  const double value = real(body.at(name), name);
  if (!(value >= 0 && value <= kLongest_s)) throw std::runtime_error(std::string(name) + " is out of its bounds");
  return value;
}

json parse_shallow(std::string_view text) {
  const auto shallow = [](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) throw std::runtime_error("nests too deep");
    return true;
  };
  return json::parse(text, shallow);
}

std::string hash_of(const std::string_view progress, const StateOwner& owner, const StateBuffers& b) {
  std::string all;
  for (const std::string_view part : {progress, std::string_view(owner.id), std::string_view(owner.layout), b.values,
                                      b.first, b.second, b.best_values}) {
    all += checkpoint::sha256(part);
  }
  return checkpoint::sha256(all);
}

checkpoint::TensorToWrite numbers(const char* name, std::string_view bytes) {
  return {name, "F32", {static_cast<std::int64_t>(bytes.size() / sizeof(float))}, bytes.data(), bytes.size()};
}

checkpoint::TensorToWrite text_tensor(const char* name, std::string_view text) {
  return {name, "U8", {static_cast<std::int64_t>(text.size())}, text.data(), text.size()};
}

}  // namespace

std::string to_json(const TrainingProgress& p) {
  json curve = json::array();
  for (const checkpoint::CurvePoint& point : p.curve) {
    curve.push_back({point.step, to_json_number(point.epoch), to_json_number(point.train_loss),
                     to_json_number(point.selection_score)});
  }
  return json{{"step", p.step},
              {"evaluation_due", p.evaluation_due},
              {"micro_step", p.micro_step},
              {"loss_sum", to_json_number(p.loss_sum)},
              {"losses", p.losses},
              {"curve", curve},
              {"best_step", p.best_step},
              {"without_improvement", p.without_improvement},
              {"best_score", to_json_number(p.best_score)},
              {"idle_factor", to_json_number(p.pending_decay)},
              {"training_tokens", p.training_tokens},
              {"training_s", p.training_s},
              {"evaluation_s", p.evaluation_s},
              {"total_s", p.total_s},
              {"rank_s", p.rank_s},
              {"cpu_s", p.cpu_s}}
      .dump();
}

TrainingProgress progress_from_json(std::string_view text) {
  const json body = parse_shallow(text);
  if (!body.is_object()) throw std::runtime_error("is no JSON object");
  TrainingProgress p;
  p.step = whole(body.at("step"), 0, kMostSteps, "step");
  p.evaluation_due = body.at("evaluation_due").get<bool>();
  p.micro_step = whole(body.at("micro_step"), p.step, kMostSteps, "micro_step");
  p.loss_sum = real(body.at("loss_sum"), "loss_sum");
  p.losses = whole(body.at("losses"), 0, p.step, "losses");
  for (const json& point : body.at("curve")) {
    if (!point.is_array() || point.size() != 4) throw std::runtime_error("a point of the curve is not four numbers");
    p.curve.push_back({whole(point.at(0), 1, p.step, "a step of the curve"), real(point.at(1), "epoch"),
                       real(point.at(2), "train_loss"), real(point.at(3), "selection_score")});
  }
  const auto points = static_cast<std::int64_t>(p.curve.size());
  p.best_step = whole(body.at("best_step"), 0, p.step, "best_step");
  p.without_improvement = whole(body.at("without_improvement"), 0, points, "without_improvement");
  p.best_score = real(body.at("best_score"), "best_score");
  p.pending_decay = real(body.at("idle_factor"), "idle_factor");
  p.training_tokens = whole(body.at("training_tokens"), 0, kMostTokens, "training_tokens");
  p.training_s = seconds(body, "training_s");
  p.evaluation_s = seconds(body, "evaluation_s");
  p.total_s = seconds(body, "total_s");
  p.rank_s = seconds(body, "rank_s");
  p.cpu_s = seconds(body, "cpu_s");
  return p;
}

std::vector<checkpoint::TensorToWrite> state_tensors(const TrainingProgress& progress, const StateOwner& owner,
                                                     const StateBuffers& buffers, StateText& text) {
  text = {to_json(progress), owner.id, owner.layout, hash_of(to_json(progress), owner, buffers)};
  std::vector<checkpoint::TensorToWrite> all = {numbers("values", buffers.values),
                                                numbers("first_moment", buffers.first),
                                                numbers("second_moment", buffers.second)};
  if (!buffers.best_values.empty()) all.push_back(numbers("best_values", buffers.best_values));
  all.push_back(text_tensor("progress", text.progress));
  all.push_back(text_tensor("id", text.id));
  all.push_back(text_tensor("layout", text.layout));
  all.push_back(text_tensor("sha256", text.sha256));
  return all;
}

StateContent state_content(std::string_view file, const StateOwner& owner) {
  const checkpoint::TensorIndex index = checkpoint::parse_safetensors_header(file, file.size(), "state");
  const auto part = [&](const std::string& name, const char* dtype) -> std::string_view {
    const auto found = index.find(name);
    if (found == index.end()) return {};
    if (found->second.dtype != dtype || found->second.shape.size() != 1) throw std::runtime_error(name + ": odd type");
    return file.substr(found->second.begin, found->second.end - found->second.begin);
  };
  const StateBuffers buffers{part("values", "F32"), part("first_moment", "F32"), part("second_moment", "F32"),
                             part("best_values", "F32")};
  const std::string_view progress = part("progress", "U8");
  if (part("id", "U8") != owner.id) throw std::runtime_error("is another trial's");
  if (part("layout", "U8") != owner.layout) throw std::runtime_error("has its parameters in another order");
  if (part("sha256", "U8") != hash_of(progress, owner, buffers)) throw std::runtime_error("is damaged");
  const std::size_t bytes = static_cast<std::size_t>(owner.parameters) * sizeof(float);
  for (const std::string_view buffer : {buffers.values, buffers.first, buffers.second}) {
    if (buffer.size() != bytes) throw std::runtime_error("has another number of parameters");
  }
  if (!buffers.best_values.empty() && buffers.best_values.size() != bytes) {
    throw std::runtime_error("has another number of best values");
  }
  return {progress_from_json(progress), buffers};
}

}  // namespace peftgrid::worker
