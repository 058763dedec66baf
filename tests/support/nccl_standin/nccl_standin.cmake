include_guard(GLOBAL)

# Stand-ins for NCCL and the CUDA runtime, by the names of the real ones: loaded in their place through LD_LIBRARY_PATH.
set(standin "${PROJECT_SOURCE_DIR}/tests/support/nccl_standin")
set(PEFTGRID_NCCL_STANDIN "${CMAKE_BINARY_DIR}/nccl_standin")

add_library(cudart_standin SHARED "${standin}/cudart.cpp" "${standin}/stream.cpp")
target_link_options(cudart_standin PRIVATE "LINKER:--version-script=${standin}/cudart.map")
add_library(nccl_standin SHARED "${standin}/nccl.cpp" "${standin}/communicator.cpp" "${standin}/fault.cpp"
                                "${standin}/hub.cpp")
target_link_libraries(nccl_standin PRIVATE cudart_standin)

foreach(library cudart nccl)
  target_include_directories(${library}_standin PRIVATE "${PROJECT_SOURCE_DIR}")
  # Only the headers: what is linked must be the other stand-in.
  target_include_directories(${library}_standin SYSTEM PRIVATE
    $<TARGET_PROPERTY:peftgrid_nccl,INTERFACE_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:peftgrid_cudart,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(${library}_standin PRIVATE
    $<TARGET_PROPERTY:peftgrid_nccl,INTERFACE_COMPILE_DEFINITIONS>)
  target_link_libraries(${library}_standin PRIVATE peftgrid_warnings Threads::Threads)
  set_target_properties(${library}_standin PROPERTIES OUTPUT_NAME ${library}
                        LIBRARY_OUTPUT_DIRECTORY "${PEFTGRID_NCCL_STANDIN}")
endforeach()
set_target_properties(cudart_standin PROPERTIES VERSION 13 SOVERSION 13)
set_target_properties(nccl_standin PROPERTIES VERSION 2 SOVERSION 2)

# over_nccl_standin(TEST...): these ctest entries load the stand-ins.
function(over_nccl_standin)
  set_tests_properties(${ARGN} PROPERTIES
                       ENVIRONMENT_MODIFICATION "LD_LIBRARY_PATH=path_list_prepend:${PEFTGRID_NCCL_STANDIN}")
endfunction()
