#include <algorithm>
#include <cctype>
#include <string_view>

#include "checkpoint/sha256.hpp"
#include "checkpoint/trial_tables.hpp"

namespace peftgrid::checkpoint {
namespace {

/// Bytes to hash: each value with its length, so that no two records run together alike.
class Content {
 public:
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    bytes_ += text;
  }
  void add(std::int64_t value) { raw(&value, sizeof value); }
  void add(double value) { raw(&value, sizeof value); }
  void add(const std::vector<double>& values) {
    add(static_cast<std::int64_t>(values.size()));
    raw(values.data(), values.size() * sizeof(double));
  }
  std::string hash() const { return sha256(bytes_); }

 private:
  void raw(const void* data, std::size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string bytes_;
};

void add_tests(Content& content, const std::vector<TestResult>& tests) {
  content.add(static_cast<std::int64_t>(tests.size()));
  for (const TestResult& test : tests) {
    content.add(test.name);
    content.add(static_cast<std::int64_t>(test.metrics.size()));
    for (const auto& [name, value] : test.metrics) {
      content.add(name);
      content.add(value);
    }
    content.add(test.labels);
    content.add(test.predictions);
  }
}

}  // namespace

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c < 128 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

std::string content_sha256(const TrialRecord& record) {
  Content content;
  content.add(record.id);
  for (const TextField& field : kTextFields) content.add(record.*field.member);
  for (const IntegerField& field : kIntegerFields) content.add(record.*field.member);
  for (const RealField& field : kRealFields) content.add(record.*field.member);
  add_tests(content, record.tests);
  content.add(static_cast<std::int64_t>(record.curve.size()));
  for (const CurvePoint& point : record.curve) {
    content.add(point.step);
    content.add({point.epoch, point.train_loss, point.selection_score});
  }
  content.add(static_cast<std::int64_t>(record.warnings.size()));
  for (const std::string& warning : record.warnings) content.add(warning);
  content.add(static_cast<std::int64_t>(record.tensors.size()));
  for (const KeptTensor& tensor : record.tensors) {
    content.add(tensor.name);
    content.add(tensor.sha256);
    content.add(static_cast<std::int64_t>(tensor.shape.size()));
    for (const std::int64_t size : tensor.shape) content.add(size);
  }
  return content.hash();
}

}  // namespace peftgrid::checkpoint
