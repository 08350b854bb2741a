# cmake -DNPM=npm -DDIRECTORY=dir [-DSTAMP=file] -P NpmInstall.cmake
# Installs what dir/package-lock.json says, unless just that is installed already: a new
# build directory needs no network.
file(SHA256 ${DIRECTORY}/package-lock.json wanted)
set(mark ${DIRECTORY}/node_modules/.installed)
set(have "")
if(EXISTS ${mark})
  file(READ ${mark} have)
endif()
if(NOT have STREQUAL wanted)
  execute_process(
    COMMAND ${NPM} ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
    WORKING_DIRECTORY ${DIRECTORY} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "npm ci failed in ${DIRECTORY}; the first time it needs the npm registry")
  endif()
  file(WRITE ${mark} ${wanted})
endif()
if(STAMP)
  file(TOUCH ${STAMP})
endif()
