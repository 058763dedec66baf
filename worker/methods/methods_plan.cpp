#include <fmt/format.h>

#include <algorithm>

#include "worker/errors.hpp"
#include "worker/plan/method_plan.hpp"
#include "worker/plan/options.hpp"
#include "worker/text.hpp"

namespace peftgrid::worker {

#define METHOD(name) const MethodPlan& name##_plan();
#include "worker/methods/methods.inc"
#undef METHOD

namespace {

struct Entry {
  MethodInfo info;
  const MethodPlan* plan;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all{
#define METHOD(name) {name##_plan().info(), &name##_plan()},
#include "worker/methods/methods.inc"
#undef METHOD
  };
  return all;
}

}  // namespace

const std::vector<MethodInfo>& methods() {
  static const std::vector<MethodInfo> all = [] {
    std::vector<MethodInfo> infos;
    for (const Entry& entry : entries()) infos.push_back(entry.info);
    return infos;
  }();
  return all;
}

const MethodInfo* find_method(const std::string& name) {
  const auto found = std::ranges::find(methods(), name, &MethodInfo::name);
  return found == methods().end() ? nullptr : &*found;
}

const MethodPlan& method_plan(const std::string& name) {
  const auto found = std::ranges::find_if(entries(), [&](const Entry& entry) { return entry.info.name == name; });
  if (found == entries().end()) throw UsageError("this program has no method " + in_quotes(name));
  return *found->plan;
}

std::int64_t MethodFacts::trained() const {
  std::int64_t sum = 0;
  for (const ParameterFact& fact : parameters) sum += fact.trains ? elements(fact.shape) : 0;
  return sum;
}

std::int64_t MethodFacts::kept() const {
  return stored < 0 ? trained() : stored;
}

void too_large(const MethodSpec& method, const char* option, std::int64_t most, const char* of_what) {
  throw UsageError(fmt::format("{}.{} is {}; this backbone allows 1 to {}, {}", method.name, option,
                               integer_option(method, option), most, of_what));
}

}  // namespace peftgrid::worker
