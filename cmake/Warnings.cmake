# Warnings are errors in our own code; libraries come in as SYSTEM and are spared.
add_library(peftgrid_warnings INTERFACE)
target_compile_options(peftgrid_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                                                   -Woverloaded-virtual -Werror
                                                   $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>) # GCC 12 errs on std::string (its bug 105651)
