# Warnings are errors in our own code; libraries come in as SYSTEM and are spared.
add_library(peftgrid_warnings INTERFACE)
target_compile_options(peftgrid_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                                                   -Woverloaded-virtual -Werror)
