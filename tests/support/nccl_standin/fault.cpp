#include "tests/support/nccl_standin/fault.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

namespace peftgrid::standin {

Fault fault_from_environment() {
  const char* const text = std::getenv("PEFTGRID_NCCL_FAULT");
  if (text == nullptr) return {};
  static const std::map<std::string, Fault::Kind> kKinds{
      {"error", Fault::Error}, {"hang", Fault::Hang}, {"death", Fault::Death}};
  std::istringstream words(text);
  std::string kind;
  Fault fault;
  if (!(words >> kind >> fault.rank >> fault.sum) || !kKinds.contains(kind)) {
    std::fprintf(stderr, "PEFTGRID_NCCL_FAULT is '%s'; it takes error, hang or death, a rank and a sum\n", text);
    std::abort();
  }
  fault.kind = kKinds.at(kind);
  return fault;
}

}  // namespace peftgrid::standin
