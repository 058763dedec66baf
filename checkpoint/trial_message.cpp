#include "checkpoint/trial_message.hpp"

#include <type_traits>
#include <utility>

#include "checkpoint/packed.hpp"
#include "checkpoint/trial_layout.hpp"

namespace peftgrid::checkpoint {
namespace {

/// The same fields are written and read by the same functions below: `Out` takes what it is given, `In` fills it.
class Out {
 public:
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number value) { packed_.number(value); }
  void operator()(const std::string& text) {
    packed_.number(text.size());
    packed_.text(text, text.size());
  }
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(const std::vector<Number>& numbers) {
    const std::size_t bytes = numbers.size() * sizeof(Number);
    packed_.number(numbers.size());
    packed_.text({reinterpret_cast<const char*>(numbers.data()), bytes}, bytes);
  }
  template <typename T, typename Do>
  void each(const std::vector<T>& all, Do act) {
    packed_.number(all.size());
    for (const T& one : all) act(one);
  }
  const std::string& bytes() const { return packed_.bytes(); }

 private:
  Pack packed_;
};

class In {
 public:
  explicit In(std::string_view bytes) : packed_(bytes) {}
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number& value) { value = packed_.number<Number>(); }
  void operator()(std::string& text) { text = packed_.take(packed_.number<std::size_t>()); }
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(std::vector<Number>& numbers) {
    numbers.resize(packed_.number<std::size_t>());
    const std::size_t bytes = numbers.size() * sizeof(Number);
    if (bytes > 0) std::memcpy(numbers.data(), packed_.take(bytes).data(), bytes);
  }
  template <typename T, typename Do>
  void each(std::vector<T>& all, Do act) {
    all.resize(packed_.number<std::size_t>());
    for (T& one : all) act(one);
  }

 private:
  Unpack packed_;
};

template <typename Through, typename Record>
void pass_record(Through& through, Record& record) {
  through(record.id);
  for (const TextField& field : kTextFields) through(record.*field.member);
  for (const IntegerField& field : kIntegerFields) through(record.*field.member);
  for (const RealField& field : kRealFields) through(record.*field.member);
  through.each(record.tests, [&](auto& test) {
    through(test.name);
    through.each(test.metrics, [&](auto& metric) {
      through(metric.first);
      through(metric.second);
    });
    through(test.labels);
    through(test.predictions);
  });
  through.each(record.curve, [&](auto& point) {
    through(point.step);
    for (auto* value : {&point.epoch, &point.train_loss, &point.selection_score}) through(*value);
  });
  through.each(record.warnings, [&](auto& warning) { through(warning); });
  through.each(record.tensors, [&](auto& tensor) {
    through(tensor.name);
    through(tensor.shape);
    through(tensor.values);
    through(tensor.sha256);
  });
}

template <typename Through, typename Read>
void pass(Through& through, Read& read) {
  through.each(read.trials, [&](auto& record) { pass_record(through, record); });
  through.each(read.unreadable, [&](auto& reason) { through(reason); });
}

}  // namespace

std::string encode(const TrialsRead& read) {
  Out out;
  out(read.file.string());
  pass(out, read);
  return out.bytes();
}

TrialsRead decode_trials_read(std::string_view bytes) {
  TrialsRead read;
  In in(bytes);
  std::string file;
  in(file);
  read.file = std::move(file);
  pass(in, read);
  return read;
}

}  // namespace peftgrid::checkpoint
