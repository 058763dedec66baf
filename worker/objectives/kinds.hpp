#pragma once

/// The kinds of task, and how their rows are laid out, as grids and specs name them.
namespace peftgrid::worker {

inline constexpr const char* kClassification = "classification";
inline constexpr const char* kRegression = "regression";
inline constexpr const char* kChoice = "choice";
inline constexpr const char* kLanguageModel = "language_model";

inline constexpr const char* kInputPlain = "plain";  // texts as the tokenizer puts them together
inline constexpr const char* kInputGpt1 = "gpt1";    // with three inserted tokens (Radford et al., 2018)

}  // namespace peftgrid::worker
