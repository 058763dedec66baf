#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "worker/kernels/functions.hpp"
#include "worker/model/row_means.hpp"

namespace peftgrid::worker {

/// One row to pack: its token ids and types, and whose dropout it draws. An id below 0 is a token that the trial
/// inserts: -1 the first of its vectors.
struct RowTokens {
  std::span<const std::int32_t> ids, types;
  std::uint32_t example = 0;
};

/// The rows of one trial in a pass.
struct TrialRows {
  std::vector<RowTokens> rows;
  std::int64_t prompt = 0;         // slots before each row's first token, to be filled by the trial's method
  std::int64_t shift = 0;          // positions that are passed over before each row
  bool reads_prompt = false;       // the first token that a readout may take is the prompt's
  std::int64_t padded_to = 0;      // rows end with padding tokens that are queries and no keys; 0: they do not
  std::int64_t pad_token = 0;      // its id
  std::int64_t pad_position = -1;  // line of the table of positions that all padding takes; -1: they go on
};

/// Packed tokens: rows one after the other, never a padded rectangle. The number of tokens is rounded up to a multiple
/// of 4 with tokens that belong to nobody: oneDNN builds a primitive for each new number.
struct Batch {
  at::Tensor ids, types, positions;                          // [tokens] int64
  std::shared_ptr<const std::vector<std::int32_t>> offsets;  // [rows + 1]
  std::shared_ptr<const TokenOwners> owners;                 // [tokens]
  std::vector<std::int32_t> prompts;                         // [rows], slots at each row's begin
  std::vector<std::int32_t> first;                           // [rows], where in its row the first token is that is read
  std::vector<std::int64_t> inserted, inserted_which;     // tokens that trials insert, and which of its vectors each is
  std::int64_t tokens = 0, real_tokens = 0, rows = 0;     // real: without prompts and rounding
  std::shared_ptr<const std::vector<std::int32_t>> keys;  // [rows]: of a row's tokens; null: no row is padded
  RowLines own;                                           // the rows' own tokens: real_tokens
  std::vector<std::int64_t> row_begin, token_begin;       // of each trial, and the end
  at::Device device = at::kCPU;                           // where the tensors lie
};

/// One token of each row: all that some readouts take of the last block. The number of lines is rounded up as the
/// tokens' is, by repeating the first.
struct ReadTokens {
  at::Tensor index;                                           // [lines] int64: which token
  std::shared_ptr<const std::vector<std::int32_t>> position;  // [rows]: in its row, prompts included
  std::shared_ptr<const TokenOwners> owners;                  // [lines]
};
ReadTokens first_tokens(const Batch& batch);
ReadTokens last_tokens(const Batch& batch);

/// Packs the rows of some trials, trial by trial; the tensors go to `device`. A row's first token takes line
/// `first_position` of the table of positions, or one further on by the trial's shift.
Batch pack(const std::vector<TrialRows>& trials, at::Device device = at::kCPU, std::int64_t first_position = 0);

}  // namespace peftgrid::worker
