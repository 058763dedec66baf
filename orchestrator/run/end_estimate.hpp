#pragma once

#include <cstddef>
#include <vector>

namespace peftgrid::orchestrator {

/// When a run will have no trial left, as it looks now. Between two looks the time left counts down by the clock. Times
/// are seconds on one clock; predictions are corrected by how far those of finished trials were off.
class EndEstimate {
 public:
  struct Waiting {
    double predicted_s = 0, ranks = 1;
  };
  struct Running {
    double predicted_s = 0, ranks = 1, since_s = 0;
  };
  /// A look at 10,000 waiting trials would be felt if it came with each of them.
  bool is_fresh(double now_s) const { return now_s - looked_at_s_ < kHolds_s; }
  /// `ranks` work, or wait for work.
  void look(const std::vector<Waiting>& waiting, const std::vector<Running>& running, double ranks, double now_s);
  void finished(double predicted_s, double took_s);
  double left_s(double now_s) const;

 private:
  static constexpr double kHolds_s = 0.2;
  double ends_at_s_ = 0, looked_at_s_ = -kHolds_s;
  double predicted_s_ = 0, took_s_ = 0;  // of finished trials
};

}  // namespace peftgrid::orchestrator
