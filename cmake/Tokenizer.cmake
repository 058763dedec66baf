# The tokenizers crate as a static library. Cargo's target folder lies in the cache, so that a fresh clone reuses it.
if(DEFINED ENV{XDG_CACHE_HOME})
  set(cache "$ENV{XDG_CACHE_HOME}/peftgrid/cargo")
else()
  set(cache "$ENV{HOME}/.cache/peftgrid/cargo")
endif()
set(crate "${PROJECT_SOURCE_DIR}/worker/tokenizer")
set(archive "${CMAKE_BINARY_DIR}/libpeftgrid_tokenizer.a")
add_custom_command(
  OUTPUT "${archive}"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${cache}"
  # Two clones with unlike sources that build at once: each is to take its own archive out of the shared folder.
  COMMAND flock "${cache}/lock" sh -c
          "cargo build --quiet --release --locked --target-dir '${cache}' && cp '${cache}/release/libpeftgrid_tokenizer.a' '${archive}'"
  DEPENDS "${crate}/Cargo.toml" "${crate}/Cargo.lock" "${crate}/src/lib.rs"
  WORKING_DIRECTORY "${crate}"
  COMMENT "tokenizers crate" VERBATIM)
# No target depends on this one: programs wait for the file where they are linked, compilers need not.
add_custom_target(peftgrid_tokenizer_build DEPENDS "${archive}")
add_library(peftgrid_tokenizer_crate STATIC IMPORTED GLOBAL)
set_target_properties(peftgrid_tokenizer_crate PROPERTIES IMPORTED_LOCATION "${archive}")
target_link_libraries(peftgrid_tokenizer_crate INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m stdc++)
