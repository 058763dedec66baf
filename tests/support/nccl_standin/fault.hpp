#pragma once

namespace peftgrid::standin {

/// A fault to inject, from the environment: PEFTGRID_NCCL_FAULT="error 2 3" makes rank 2 fail at its third sum; "hang"
/// and "death" instead of "error"; sum 0 is the communicator's making.
struct Fault {
  enum Kind { None, Error, Hang, Death };
  Kind kind = None;
  int rank = 0, sum = 0;
};

/// Ends the process where the variable is set to something else.
Fault fault_from_environment();

}  // namespace peftgrid::standin
