# What `cmake --install` gives: one archive with everything an embedding program links,
# the public headers, a CMake package, and the programs.
include(CMakePackageConfigHelpers)

set(_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/loopscope)
add_library(loopscope_archive STATIC
  $<TARGET_OBJECTS:loopscope_base> $<TARGET_OBJECTS:loopscope_core>
  $<TARGET_OBJECTS:loopscope_target> $<TARGET_OBJECTS:loopscope_culprit>
  $<TARGET_OBJECTS:loopscope_embed> $<TARGET_OBJECTS:loopscope_export>
  $<TARGET_OBJECTS:loopscope_library>)
set_target_properties(loopscope_archive PROPERTIES
  OUTPUT_NAME loopscope EXPORT_NAME loopscope LINKER_LANGUAGE CXX)
target_compile_features(loopscope_archive PUBLIC cxx_std_20)
target_include_directories(loopscope_archive PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(loopscope_archive PUBLIC
  PkgConfig::LIBUV PkgConfig::LIBELF PkgConfig::CAPSTONE
  prometheus-cpp::core civetweb::civetweb ZLIB::ZLIB Threads::Threads)

install(TARGETS loopscope_archive EXPORT loopscope
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/loopscope
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library FILES_MATCHING PATTERN "*.h")
install(EXPORT loopscope NAMESPACE loopscope:: FILE loopscopeTargets.cmake
  DESTINATION ${_package_dir} COMPONENT library)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/loopscopeConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/loopscopeConfig.cmake INSTALL_DESTINATION ${_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/loopscopeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/loopscopeConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/loopscopeConfigVersion.cmake
  DESTINATION ${_package_dir} COMPONENT library)
