# The fuzz build instruments every module for coverage; only the fuzz targets
# themselves link libFuzzer's main().
if(LOOPSCOPE_BUILD_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "LOOPSCOPE_BUILD_FUZZERS needs Clang: use `cmake --preset fuzz`")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LOOPSCOPE_SANITIZE)
  list(JOIN LOOPSCOPE_SANITIZE "," _sanitizers)
  add_compile_options(-fsanitize=${_sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${_sanitizers})
endif()
