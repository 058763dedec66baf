#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/network.hpp"

namespace peftgrid::tests {

/// A folder of this process that is gone when the tests are done; the cache of conversions lies there too.
std::filesystem::path contract_folder();

/// A backbone small enough to be run through every test.
struct Subject {
  std::string name, folder, readout;
  bool pooler;
};
/// For GoogleTest: test lists would show the bytes otherwise.
inline void PrintTo(const Subject& subject, std::ostream* out) {
  *out << subject.name;
}
/// Every architecture of the list, BERT with every readout, and with a pooler that the folder lacks. Those whose names
/// begin with PEFTGRID_TEST_SUBJECTS, where that is set.
const std::vector<Subject>& subjects();

/// Rows of unlike lengths, some of them pairs; `first` tells apart sets of rows.
std::vector<TestRow> some_rows(std::size_t count, std::uint32_t first = 0);

/// All methods whose whole trials are trained; where a sanitizer makes these thirty times as slow, one of a kind.
std::vector<std::string> trained_methods();
/// All methods, and names of forms that the default of an option leaves untouched.
std::vector<std::string> methods_and_forms();
/// A method with its defaults, sizes made to fit a tiny model; or one of these forms.
worker::MethodSpec small_method(const std::string& name);

/// What most tests start from: the method on the subject, trained tensors moved away from their start by `moved`.
Network network_on(const Subject& subject, const worker::MethodSpec& method, std::uint64_t seed = 1, double moved = 0.1,
                   double dropout = 0);

/// A scalar whose gradient is neither zero nor noise: the mean square of a normed output would be a constant.
at::Tensor projected(const at::Tensor& tensor, std::uint32_t which = 0);

/// Gradients of all trained tensors, one after the other; a tensor without one counts as zeros.
std::vector<float> gradients_of(const std::vector<worker::Trained>& parameters);

/// Parameterised over methods_and_forms().
class Contract : public testing::TestWithParam<std::string> {
 protected:
  worker::MethodSpec method() const { return small_method(GetParam()); }
};

}  // namespace peftgrid::tests
