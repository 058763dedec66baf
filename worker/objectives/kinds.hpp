#pragma once

/// The kinds of task, as grids and specs name them.
namespace peftgrid::worker {

inline constexpr const char* kClassification = "classification";
inline constexpr const char* kRegression = "regression";

}  // namespace peftgrid::worker
