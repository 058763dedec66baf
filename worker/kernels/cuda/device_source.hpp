#pragma once

namespace peftgrid::worker::kernels {

/// device_kernels.inc and attention_kernels.inc as a CUDA program: a kernel NAME for each NAME_thread that stands in
/// device_source.cpp.in. Its parameters: the struct that the thread function takes, and the number of threads (long).
extern const char* const kDeviceSource;

}  // namespace peftgrid::worker::kernels
