# With CMAKE_UNITY_BUILD (presets release and asan) neighbours are compiled as one: reading the headers and instantiating
# their templates takes most of the time, and happens once for all of them. Without it (debug, tsan) each file is on its
# own. compile_together(TARGET GROUP FILES...): one group of TARGET; its files that are in no group stay alone.
# Files of one group share unnamed namespaces: a name that two of them give to different things must be changed.
function(compile_together target group)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${group})
endfunction()
