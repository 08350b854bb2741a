# Compiles for 64-bit ARM on another machine: Debian's cross compiler, and the libraries that
# tools/cross_arm64.sh unpacks into LOOPSCOPE_SYSROOT.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LOOPSCOPE_SYSROOT)

# No CMAKE_SYSROOT: the C and C++ libraries are the cross compiler's own.
set(CMAKE_FIND_ROOT_PATH ${LOOPSCOPE_SYSROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LOOPSCOPE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${LOOPSCOPE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${LOOPSCOPE_SYSROOT}/usr/share/pkgconfig)

# Libraries that libraries need.
foreach(directory usr/lib lib)
  string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT
    " -L${LOOPSCOPE_SYSROOT}/${directory}/aarch64-linux-gnu"
    " -Wl,-rpath-link,${LOOPSCOPE_SYSROOT}/${directory}/aarch64-linux-gnu")
endforeach()
