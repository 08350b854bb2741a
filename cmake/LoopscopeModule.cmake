# loopscope_module(NAME [DEPS module...] [LIBS target...])
#
# One static library per module in src/NAME (all *.cc below it). DEPS are other
# modules of this project, seen by users of the module; LIBS are third-party
# targets, seen by the module alone.
function(loopscope_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  if(NOT sources)
    add_library(loopscope_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(loopscope_${name} STATIC ${sources})
    target_link_libraries(loopscope_${name} PRIVATE loopscope_warnings ${arg_LIBS})
    set(scope PUBLIC)
  endif()
  target_include_directories(loopscope_${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(loopscope_${name} ${scope} loopscope_${dep})
  endforeach()
endfunction()

# loopscope_unit_tests(NAME [THREADED] [REAL_TIME] [LIBS target...])
#
# One gtest executable NAME_tests from tests/unit/NAME, part of the target unit_tests,
# its tests labelled "unit". THREADED: also part of threaded_unit_tests and labelled
# "unit-threaded" instead, which is what runs under ThreadSanitizer. (One label only:
# gtest_discover_tests splits a list.) REAL_TIME: they measure real time with threads of
# their own; a neighbour would starve them, so they run alone.
function(loopscope_unit_tests name)
  cmake_parse_arguments(arg "THREADED;REAL_TIME" "" "LIBS" ${ARGN})
  foreach(group unit_tests threaded_unit_tests)
    if(NOT TARGET ${group})
      add_custom_target(${group})
    endif()
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_tests ${sources})
  target_include_directories(${name}_tests PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name}_tests PRIVATE
    loopscope_${name} loopscope_warnings GTest::gmock GTest::gtest_main ${arg_LIBS})
  if(TARGET tsan_syscall)
    target_link_libraries(${name}_tests PRIVATE -Wl,--push-state,--no-as-needed tsan_syscall -Wl,--pop-state)
  endif()
  set(label unit)
  add_dependencies(unit_tests ${name}_tests)
  if(arg_THREADED)
    set(label unit-threaded)
    add_dependencies(threaded_unit_tests ${name}_tests)
  endif()
  gtest_discover_tests(${name}_tests DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} RUN_SERIAL ${arg_REAL_TIME} TIMEOUT 120)
endfunction()
