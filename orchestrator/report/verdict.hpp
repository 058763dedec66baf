#pragma once

#include <optional>

#include "orchestrator/report/paired_column.hpp"

/// What may be said of a difference, all of it read off one interval, and what the design could have seen.
namespace peftgrid::orchestrator {

/// 95 % for all of so many comparisons together (Bonferroni). `comparisons` is at least 1.
Interval joint_interval(const Comparison& comparison);
/// Half its width with so many seeds, at least 2, and the scatter that is known now.
double joint_half_width(const Comparison& comparison, std::size_t seeds);
/// Whether the 99.9 % interval leaves 0 out: so clear that looking before all seeds are there costs next to nothing
/// (Haybittle and Peto).
bool is_clear(const Comparison& comparison);
/// p value with the same correction, at most 1.
double adjusted_p(const Comparison& comparison);
/// Whether `a` lies below the baseline of `comparison` by more than its one-sided joint bound: then `a` loses its star
/// (Hsu's comparison with the best, by Bonferroni's constant).
bool clearly_below(const Comparison& comparison);

enum class Word { Ahead, BehindWithin, Behind, AsGood, NotWorse, NotToldApart };
/// Of an interval of a difference (positive is better). A margin of 0: none is known, and nothing is as good.
Word word_of(const Interval& interval, double margin);

/// The smallest true difference that a comparison like this one finds four times in five, with so many seeds.
double sees(const Comparison& comparison, std::size_t seeds);
double sees(const Comparison& comparison);

/// Test rows and seeds that would find a difference of `margin` four times in five. Never from the difference itself.
struct Needs {
  std::size_t seeds = 0;  // 0: more than kMostSeeds
  std::size_t rows = 0;   // the present number where that is enough
};
inline constexpr std::size_t kMostSeeds = 1000;
Needs needs(const Comparison& comparison, double margin);

/// 95 % for the mean score of one method with two seeds or more: `own` are its runs (PairedColumn::alone), `scatter`
/// the mean over the column of the scores' variances over seeds. With `is_share` (accuracy) two right and two wrong
/// imagined rows (Agresti and Coull 1998), else as many rows' `worth` at both ends. Clipped to `possible`.
Interval score_interval(const Pair& own, double scatter, bool is_share, double worth, const Interval& possible);

/// 95 % for how much higher a method scores than a constant prediction (PairedColumn::over_constant).
Interval constant_interval(const Pair& over, double scatter, double worth);

}  // namespace peftgrid::orchestrator
