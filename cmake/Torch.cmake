# LibTorch, the CUDA runtime and NCCL out of their wheels (setup.sh puts them under .deps/) as imported targets.
# Torch's own CMake package insists on a CUDA toolkit, which nothing here needs.
set(PEFTGRID_TORCH "${PROJECT_SOURCE_DIR}/.deps/torch/torch" CACHE PATH "folder of a torch package, 2.11 or newer")
set(PEFTGRID_CUDA "${PROJECT_SOURCE_DIR}/.deps" CACHE PATH "folder of the unpacked CUDA and NCCL wheels")

if(NOT EXISTS "${PEFTGRID_TORCH}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no LibTorch under ${PEFTGRID_TORCH}: run ./setup.sh, or pass -DPEFTGRID_TORCH=<torch package>")
endif()

function(peftgrid_import name library)
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${library}")
endfunction()

file(REAL_PATH "${PEFTGRID_TORCH}" torch)
file(REAL_PATH "${PEFTGRID_CUDA}/nvidia-cuda-runtime/nvidia/cu13" cudart)
file(REAL_PATH "${PEFTGRID_CUDA}/nvidia-cuda-crt/nvidia/cu13" crt)
file(REAL_PATH "${PEFTGRID_CUDA}/nvidia-cuda-cupti/nvidia/cu13" cupti)
file(REAL_PATH "${PEFTGRID_CUDA}/nvidia-nccl-cu13/nvidia/nccl" nccl)

peftgrid_import(peftgrid_cudart "${cudart}/lib/libcudart.so.13")
peftgrid_import(peftgrid_nccl "${nccl}/lib/libnccl.so.2")
target_include_directories(peftgrid_cudart SYSTEM INTERFACE "${cudart}/include" "${crt}/include")
target_include_directories(peftgrid_nccl SYSTEM INTERFACE "${nccl}/include")
target_link_libraries(peftgrid_nccl INTERFACE peftgrid_cudart)
# nccl.h includes the half-precision headers, of which its C interface needs nothing and which want one wheel more.
target_compile_definitions(peftgrid_nccl INTERFACE __CUDA_FP16_H__ __CUDA_BF16_H__ __CUDA_FP8_H__)

peftgrid_import(peftgrid_c10 "${torch}/lib/libc10.so")
peftgrid_import(peftgrid_torch "${torch}/lib/libtorch_cpu.so")
target_include_directories(peftgrid_torch SYSTEM INTERFACE "${torch}/include" "${torch}/include/torch/csrc/api/include")
target_compile_definitions(peftgrid_torch INTERFACE AT_PER_OPERATOR_HEADERS)
target_link_libraries(peftgrid_torch INTERFACE peftgrid_c10)

# RUNPATH, not RPATH: LD_LIBRARY_PATH then wins, which is how tests put stand-ins in place of the CUDA libraries.
set(PEFTGRID_RUNPATH "${torch}/lib" "${cudart}/lib" "${cupti}/lib" "${nccl}/lib")
add_library(peftgrid_runpath INTERFACE)
target_link_options(peftgrid_runpath INTERFACE LINKER:--enable-new-dtags)
foreach(folder IN LISTS PEFTGRID_RUNPATH)
  target_link_options(peftgrid_runpath INTERFACE LINKER:-rpath,${folder} LINKER:-rpath-link,${folder})
endforeach()
# libtorch_cpu needs the CUDA runtime and CUPTI to load, on a machine without a GPU too; named by the executable itself,
# since a RUNPATH does not serve the libraries of libraries. By path: CMake lists a target once, where another wants it.
target_link_libraries(peftgrid_torch INTERFACE peftgrid_runpath)
target_link_options(peftgrid_torch INTERFACE
  LINKER:--push-state,--no-as-needed,${cudart}/lib/libcudart.so.13,${cupti}/lib/libcupti.so.13,--pop-state)
# What the program names besides, for the day it opens libtorch_cuda: streams and memory of devices. It loads, and costs
# nothing, where there is none.
add_library(peftgrid_c10_cuda INTERFACE)
target_link_options(peftgrid_c10_cuda INTERFACE
  LINKER:--push-state,--no-as-needed,${torch}/lib/libc10_cuda.so,--pop-state)
