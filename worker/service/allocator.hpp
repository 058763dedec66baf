#pragma once

/// What mimalloc does with freed memory, where the program runs on it; else these do nothing.
namespace peftgrid::worker {

/// Gives back to the kernel what is kept for later.
void give_back_freed_memory();

/// While one lives, freed memory goes back to the kernel at once: opening models and vocabularies takes much of it for
/// a moment. From the end of the first one on it is kept for ten seconds: a step asks for what the step before gave
/// back.
class Frugal {
 public:
  Frugal();
  Frugal(const Frugal&) = delete;
  Frugal& operator=(const Frugal&) = delete;
  ~Frugal();
};

}  // namespace peftgrid::worker
