#include "worker/service/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "worker/json_number.hpp"

namespace peftgrid::worker {

namespace {

using nlohmann::json;

/// Between a message and a trial's spec; no JSON text that dump() writes holds one. Within the message the spec would
/// be a quoted text, written and read twice for each trial.
constexpr char kBehind = '\n';

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

json report(const TrialOutcome& o, std::int64_t gang) {
  return {{"kind", "report"},
          {"gang", gang},
          {"id", o.id},
          {"state", static_cast<int>(o.state)},
          {"reason", o.reason},
          {"seconds", o.seconds},
          {"metric", to_json_number(o.metric)},
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
  outcome.metric = from_json_number(body.at("metric"));
  outcome.environment = body.at("environment");
  return outcome;
}

}  // namespace

std::string encode(const FromWorker& message) {
  return std::visit(Overloaded{[](const Ask&) {
                                 return json{{"kind", "ask"}};
                               },
                               [](const Report& r) { return report(r.outcome, r.gang); },
                               [](const Trouble& t) {
                                 return json{{"kind", "trouble"}, {"why", t.why}};
                               },
                               [](const Heartbeat& h) {
                                 return json{{"kind", "heartbeat"}, {"step", h.step},
                                             {"steps", h.steps},    {"loss", to_json_number(h.loss)},
                                             {"signs", h.signs},    {"patience", h.patience_s}};
                               }},
                    message)
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string encode(const ToWorker& message) {
  const auto* assign = std::get_if<Assign>(&message);
  const std::string spec = assign != nullptr ? kBehind + assign->spec_json : "";
  return std::visit(Overloaded{[](const Assign& a) {
                                 return json{{"kind", "assign"}, {"gang", a.gang.number}, {"ranks", a.gang.ranks}};
                               },
                               [](const Dissolve& d) {
                                 return json{{"kind", "dissolve"}, {"gang", d.gang}};
                               },
                               [](const Alive&) {
                                 return json{{"kind", "alive"}};
                               },
                               [](const End& e) {
                                 return json{{"kind", "end"}, {"leave", e.leave}};
                               }},
                    message)
             .dump(-1, ' ', false, json::error_handler_t::replace) +
         spec;
}

FromWorker decode_from_worker(const std::string& text) {
  const json body = json::parse(text);
  const std::string kind = body.at("kind");
  if (kind == "ask") return Ask{};
  if (kind == "trouble") return Trouble{body.at("why")};
  if (kind == "report") return Report{read_report(body), body.at("gang")};
  if (kind == "heartbeat") {
    return Heartbeat{body.at("step"), body.at("steps"), from_json_number(body.at("loss")), body.at("signs"),
                     body.at("patience")};
  }
  throw std::runtime_error("unknown message '" + kind + "'");
}

ToWorker decode_to_worker(const std::string& text) {
  const std::size_t end = std::min(text.find(kBehind), text.size());
  const json body = json::parse(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end));
  const std::string kind = body.at("kind");
  if (kind == "assign") {
    std::string spec = text.substr(std::min(end + 1, text.size()));
    return Assign{trial_from_json(spec), std::move(spec), {body.at("gang"), body.at("ranks")}};
  }
  if (kind == "dissolve") return Dissolve{body.at("gang")};
  if (kind == "alive") return Alive{};
  if (kind == "end") return End{body.at("leave")};
  throw std::runtime_error("unknown message '" + kind + "'");
}

}  // namespace peftgrid::worker
