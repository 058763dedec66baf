// Trained keys and values before each row's own.
#include "tests/contract/subjects.hpp"

namespace peftgrid::tests {
namespace {

worker::MethodSpec prefix_with(const std::string& option, worker::OptionValue value) {
  worker::MethodSpec method = small_method("prefix");
  method.options[option] = std::move(value);
  return method;
}

/// One text as two examples.
std::vector<TestRow> twins() {
  std::vector<TestRow> rows{some_rows(1)[0], some_rows(1)[0]};
  rows[1].example = 1;
  return rows;
}

TEST(Prefixes, DropoutFallsOnEachRowByItself) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network network = network_on(subject, prefix_with("dropout", 0.5));
    const auto of_row = [&](bool training, std::int64_t row) {
      return values_of(network.representation(twins(), training).select(0, row));
    };
    EXPECT_EQ(of_row(false, 0), of_row(false, 1));
    EXPECT_NE(of_row(true, 0), of_row(true, 1));
    EXPECT_NE(of_row(true, 0), of_row(false, 0));
  }
}

TEST(Prefixes, ShiftedTheTextBeginsBehindThem) {
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network kept = network_on(subject, small_method("prefix"));
    Network shifted = network_on(subject, prefix_with("positions", std::string("shifted")));
    const std::int64_t begin = values_of(kept.pack({kept.rows(twins())}).positions.to(at::kFloat))[0];
    EXPECT_EQ(values_of(shifted.pack({shifted.rows(twins())}).positions.to(at::kFloat))[0],
              static_cast<float>(begin + 10));
    EXPECT_NE(values_of(shifted.representation(twins())), values_of(kept.representation(twins())));
  }
}

TEST(Prefixes, PtuningV2IsAShiftedPrefixWithDropoutAndASmallStart) {
  worker::MethodSpec same = prefix_with("positions", std::string("shifted"));
  same.options["length"] = small_method("ptuning_v2").options.at("length");
  same.options["dropout"] = 0.1;
  same.options["init_std"] = 0.02;
  for (const Subject& subject : subjects()) {
    SCOPED_TRACE(subject.name);
    Network preset = network_on(subject, small_method("ptuning_v2"), 1, 0), spelt = network_on(subject, same, 1, 0);
    for (const bool training : {false, true}) {
      EXPECT_EQ(values_of(preset.representation(some_rows(4), training, 3)),
                values_of(spelt.representation(some_rows(4), training, 3)));
    }
  }
}

TEST(Prefixes, InitStdIsTheDeviationOfTheirStart) {
  const auto start_of = [](double deviation) {
    return values_of(network_on(subjects()[0], prefix_with("init_std", deviation), 1, 0).method_parameters()[0].tensor);
  };
  const std::vector<float> one = start_of(1), small = start_of(0.25);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_FLOAT_EQ(small[i], one[i] / 4);
}

}  // namespace
}  // namespace peftgrid::tests
