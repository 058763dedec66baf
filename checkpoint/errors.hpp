#pragma once

#include <stdexcept>

namespace peftgrid::checkpoint {

/// A file cannot be read, written or trusted; the message names it and the place in it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file whose bytes were not to be had. Nothing is known of what it holds, so nothing is wrong with that.
class UnreadError : public FileError {
 public:
  enum class Why { Missing, Unreadable, Locked, NoPlainFile };
  UnreadError(Why why, const std::string& what) : FileError(what), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

/// A sound file in a layout of another version of this program.
class LayoutError : public FileError {
 public:
  using FileError::FileError;
};

}  // namespace peftgrid::checkpoint
