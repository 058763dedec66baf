#include "worker/messages.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace peftgrid::worker {

namespace {

using nlohmann::json;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

/// JSON has no infinities; a loss may be one.
json number(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}
double number_of(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json report(const TrialOutcome& o) {
  return {{"kind", "report"},
          {"id", o.id},
          {"state", static_cast<int>(o.state)},
          {"reason", o.reason},
          {"seconds", o.seconds},
          {"metric", number(o.metric)},
          {"environment", o.environment}};
}

TrialOutcome read_report(const json& body) {
  TrialOutcome outcome;
  outcome.id = body.at("id");
  const int state = body.at("state");
  if (state < 0 || state > static_cast<int>(TrialOutcome::State::Interrupted))
    throw std::runtime_error("unknown state");
  outcome.state = static_cast<TrialOutcome::State>(state);
  outcome.reason = body.at("reason");
  outcome.seconds = body.at("seconds");
  outcome.metric = number_of(body.at("metric"));
  outcome.environment = body.at("environment");
  return outcome;
}

}  // namespace

std::string encode(const FromWorker& message) {
  return std::visit(Overloaded{[](const Ask&) {
                                 return json{{"kind", "ask"}};
                               },
                               [](const Report& r) { return report(r.outcome); },
                               [](const Heartbeat& h) {
                                 return json{{"kind", "heartbeat"},
                                             {"id", h.id},
                                             {"step", h.step},
                                             {"steps", h.steps},
                                             {"loss", number(h.loss)}};
                               }},
                    message)
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string encode(const ToWorker& message) {
  return std::visit(Overloaded{[](const Assign& a) { return "assign " + to_json(a.spec); },
                               [](const End&) { return std::string("end"); }},
                    message);
}

FromWorker decode_from_worker(const std::string& text) {
  const json body = json::parse(text);
  const std::string kind = body.at("kind");
  if (kind == "ask") return Ask{};
  if (kind == "report") return Report{read_report(body)};
  if (kind == "heartbeat")
    return Heartbeat{body.at("id"), body.at("step"), body.at("steps"), number_of(body.at("loss"))};
  throw std::runtime_error("unknown message '" + kind + "'");
}

ToWorker decode_to_worker(const std::string& text) {
  constexpr std::string_view kAssign = "assign ";
  if (text == "end") return End{};
  if (text.starts_with(kAssign)) return Assign{trial_from_json(std::string_view(text).substr(kAssign.size()))};
  throw std::runtime_error("unknown message");
}

}  // namespace peftgrid::worker
