# The web page inside the binary, and the generator of docs/metrics.md.
include(LoopscopeWeb)
set(_web_header ${CMAKE_CURRENT_BINARY_DIR}/export_generated/web_files.h)
add_custom_command(OUTPUT ${_web_header}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${_web_header} "-DINPUTS=${LOOPSCOPE_WEB_FILES}"
    -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
  DEPENDS ${LOOPSCOPE_WEB_FILES} ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
  COMMENT "Embedding web/" VERBATIM)
target_sources(loopscope_export PRIVATE ${_web_header})
target_include_directories(loopscope_export PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/export_generated)

add_executable(loopscope_metrics_doc ${CMAKE_SOURCE_DIR}/tools/metrics_doc.cc)
target_link_libraries(loopscope_metrics_doc PRIVATE loopscope_export loopscope_warnings)
if(LOOPSCOPE_BUILD_TESTS)
  enable_testing()
  add_test(NAME metrics_doc_is_current
    COMMAND loopscope_metrics_doc --check ${CMAKE_SOURCE_DIR}/docs/metrics.md)
endif()
