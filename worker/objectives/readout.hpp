#pragma once

/// What of a row's hidden states the head reads.
namespace peftgrid::worker {

inline constexpr const char* kReadsPooler = "pooler";  // the first token, through a pooler or a new dense layer
inline constexpr const char* kReadsFirst = "cls";      // the first token
inline constexpr const char* kReadsMean = "mean";      // the mean of its own tokens
inline constexpr const char* kReadsLast = "last";      // the last token

}  // namespace peftgrid::worker
