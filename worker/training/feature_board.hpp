#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace peftgrid::worker {

/// Numbers of some groups of rows that the ranks of a node make together, each group by the rank that claims it first:
/// a file in memory that all of them map. Nobody waits for anybody: what another rank has claimed and not finished,
/// because it works, sleeps or died, whoever needs it makes again, with the same bytes.
class FeatureBoard {
 public:
  static constexpr std::size_t kMostBytes = 256U << 20U;  // of all boards in a folder

  /// The board of `key` in a folder of memory, made by who comes first; all who open it give the same sizes. Null where
  /// `folder` is empty or has no room.
  static std::unique_ptr<FeatureBoard> open(const std::filesystem::path& folder, std::string_view key,
                                            std::size_t groups, std::size_t numbers);
  FeatureBoard(const FeatureBoard&) = delete;
  FeatureBoard& operator=(const FeatureBoard&) = delete;
  ~FeatureBoard();

  /// True for one of all ranks: it is to write the group's numbers and to say so by finish.
  bool claim(std::size_t group);
  /// `seconds`: that making the group cost (spent_s).
  void finish(std::size_t group, double seconds);
  bool is_finished(std::size_t group) const;
  /// That making all groups took, once.
  double seconds() const;
  float* numbers();

 private:
  struct Slot {
    std::uint32_t state;
    float seconds;
  };
  FeatureBoard(void* memory, std::size_t bytes, std::size_t groups) : memory_(memory), bytes_(bytes), groups_(groups) {}
  static std::size_t bytes_of_slots(std::size_t groups);
  Slot& slot(std::size_t group) const { return static_cast<Slot*>(memory_)[group]; }

  void* memory_;
  std::size_t bytes_, groups_;
};

}  // namespace peftgrid::worker
