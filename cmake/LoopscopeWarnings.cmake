# Warnings are errors in our own code only; third-party headers come in as SYSTEM.
add_library(loopscope_warnings INTERFACE)
target_compile_options(loopscope_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  $<$<BOOL:${LOOPSCOPE_WERROR}>:-Werror>)
