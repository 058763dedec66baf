// What every backbone announces, as a method that only takes notes sees it.
#include <ATen/TensorOperators.h>

#include <map>

#include "tests/contract/subjects.hpp"
#include "worker/model/outputs.hpp"
#include "worker/per_site.hpp"

namespace peftgrid::tests {
namespace {

using worker::Site;

class Recorder : public worker::Method {
 public:
  struct Seen {
    int times = 0;
    at::Tensor x, y, joined, residual, normalised;
  };
  at::Tensor delta(const worker::SiteCall& call, const worker::Pass& /*pass*/) override {
    Seen& seen = steps[{call.layer, call.site}];
    ++seen.times;
    seen.x = call.x;
    seen.y = call.y;
    if (call.joined) seen.joined = call.joined();
    if (call.normalised) seen.normalised = call.normalised();
    seen.residual = call.residual;
    order.push_back(call.site);
    return {};
  }
  worker::KeysValues extra_kv(std::int64_t layer, const at::Tensor& x, const worker::Pass& /*pass*/) override {
    blocks[layer].push_back(x);
    return {};
  }
  std::map<std::pair<std::int64_t, Site>, Seen> steps;
  std::map<std::int64_t, std::vector<at::Tensor>> blocks;
  std::vector<Site> order;
};

class Announcements : public testing::TestWithParam<Subject> {
 protected:
  Announcements() : network_(network_on(GetParam(), small_method("head"))), rows_(some_rows(5)) {
    const worker::Batch batch = network_.pack({network_.rows(rows_)});
    tokens_ = batch.tokens;
    const worker::Sites sites({{&recorder_, 1, 0, false}}, batch);
    result_ =
        worker::representation({network_.backbone(), network_.spec().readout, network_.base().weights(), batch, sites});
  }
  const worker::Geometry& geometry() const { return network_.backbone().facts().geometry; }
  /// Of the last block, only the tokens that the head reads: five rows, rounded up.
  bool is_narrowed(std::int64_t layer, Site site) const {
    if (GetParam().readout == "mean" || site == Site::Key || site == Site::Value) return false;
    if (worker::once_a_pass(site)) return site == Site::FinalNorm;
    return layer == geometry().layers - 1 && !(geometry().pre_norm && site == Site::AttnNorm);
  }

  Network network_;
  std::vector<TestRow> rows_;
  std::int64_t tokens_ = 0;
  Recorder recorder_;
  at::Tensor result_;
};
std::string name_of_subject(const testing::TestParamInfo<Subject>& one) {
  std::string name;
  for (const char c : one.param.name) name += c == ',' ? "" : std::string(1, c == ' ' || c == '-' ? '_' : c);
  return name;
}
INSTANTIATE_TEST_SUITE_P(Backbones, Announcements, testing::ValuesIn(subjects()), name_of_subject);

TEST_P(Announcements, ComeOncePerSiteAndLayer) {
  std::size_t expected = 0;
  for (const Site site : worker::kSites) {
    for (std::int64_t layer = 0; layer < geometry().times(site); ++layer, ++expected) {
      EXPECT_EQ((recorder_.steps[{layer, site}].times), 1) << worker::site_name(site) << " of layer " << layer;
    }
  }
  EXPECT_EQ(recorder_.steps.size(), expected) << "a site that nobody listed";
  EXPECT_EQ(recorder_.blocks.size(), static_cast<std::size_t>(geometry().layers));
  for (const auto& [layer, calls] : recorder_.blocks) EXPECT_EQ(calls.size(), 1U) << "layer " << layer;
}

TEST_P(Announcements, ComeInTheOrderThatGeometrySays) {
  std::vector<Site> expected;
  const std::vector<Site> order = geometry().order();
  for (std::int64_t layer = 0; layer < geometry().layers; ++layer) {
    for (const Site site : order) {
      const bool first = !worker::once_a_pass(site) || site == Site::StemNorm;
      if (first && (layer == 0 || site != Site::StemNorm)) expected.push_back(site);
    }
  }
  for (const Site site : order) {
    if (worker::once_a_pass(site) && site != Site::StemNorm) expected.push_back(site);
  }
  EXPECT_EQ(recorder_.order, expected);
}

TEST_P(Announcements, HaveTheWidthsThatGeometrySays) {
  for (const auto& [place, seen] : recorder_.steps) {
    const auto [layer, site] = place;
    const std::int64_t lines = worker::per_row(site)      ? static_cast<std::int64_t>(rows_.size())
                               : is_narrowed(layer, site) ? 8
                                                          : tokens_;
    EXPECT_EQ(seen.x.sizes().vec(), (std::vector{lines, geometry().at(site).in})) << worker::site_name(site);
    EXPECT_EQ(seen.y.sizes().vec(), (std::vector{lines, geometry().at(site).out})) << worker::site_name(site);
  }
}

/// Behind each branch, where the stream that it was added to is seen next: in a post-norm block by its own norm, in a
/// pre-norm block by the next one.
class Streams : public Announcements {
 protected:
  struct Pair {
    const Recorder::Seen *branch, *norm;
    bool all;  // both have the same lines
  };
  std::vector<Pair> pairs() {
    std::vector<Pair> found;
    for (std::int64_t layer = 0; layer < geometry().layers; ++layer) {
      const auto add = [&](Site branch, std::int64_t at, Site norm) {
        found.push_back({&recorder_.steps[{layer, branch}], &recorder_.steps[{at, norm}],
                         is_narrowed(layer, branch) == is_narrowed(at, norm)});
      };
      const bool pre = geometry().pre_norm, last = layer + 1 == geometry().layers;
      add(Site::AttnBranch, layer, pre ? Site::FfnNorm : Site::AttnNorm);
      if (!pre) add(Site::FfnBranch, layer, Site::FfnNorm);
      if (pre && last) add(Site::FfnBranch, 0, Site::FinalNorm);
      if (pre && !last) add(Site::FfnBranch, layer + 1, Site::AttnNorm);
    }
    return found;
  }
};
INSTANTIATE_TEST_SUITE_P(Backbones, Streams, testing::ValuesIn(subjects()), name_of_subject);

TEST_P(Streams, JoinedIsWhatGoesOnWhenNothingIsAdded) {
  for (const auto& [branch, norm, all] : pairs()) {
    ASSERT_TRUE(branch->joined.defined() && all);
    EXPECT_EQ(values_of(branch->joined), values_of(geometry().pre_norm ? norm->x : norm->y));
  }
}

TEST_P(Streams, BranchesNameTheStreamThatTheyAreAddedTo) {
  for (const auto& [branch, norm, all] : pairs()) {
    ASSERT_TRUE(branch->residual.defined() && all);
    EXPECT_EQ(values_of(branch->y + branch->residual), values_of(norm->x));
  }
}

TEST_P(Announcements, NormalisedIsTheNormBeforeScaleAndShift) {
  for (const auto& [place, seen] : recorder_.steps) {
    const auto [layer, site] = place;
    ASSERT_EQ(seen.normalised.defined(), geometry().at(site).norm) << worker::site_name(site);
    if (!seen.normalised.defined()) continue;
    const std::string name = worker::place_name(site, layer);
    const worker::Weights& weights = network_.base().weights();
    const at::Tensor shift = weights.find(name + ".bias"), scaled = seen.normalised * weights.at(name + ".weight");
    const at::Tensor again = shift.defined() ? scaled + shift : scaled;
    EXPECT_LE(relative_difference(values_of(again), values_of(seen.y)), 1e-6) << name;
  }
}

TEST_P(Announcements, TheOutputIsWhatTheHeadReads) {
  EXPECT_EQ(values_of(recorder_.steps[{0, Site::Output}].y), values_of(result_));
}

}  // namespace
}  // namespace peftgrid::tests
