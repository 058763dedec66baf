#pragma once

#include <stdexcept>

namespace peftgrid::checkpoint {

/// A file cannot be read, written or trusted; the message names it and the place in it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A sound file in a layout of another version of this program.
class LayoutError : public FileError {
 public:
  using FileError::FileError;
};

}  // namespace peftgrid::checkpoint
