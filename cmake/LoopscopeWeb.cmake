# The live page as the files to embed: LOOPSCOPE_WEB_FILES. esbuild bundles web/src with
# the chart library into the build directory.
find_program(LOOPSCOPE_NODE NAMES node nodejs)
find_program(LOOPSCOPE_NPM npm)
if(NOT LOOPSCOPE_NODE OR NOT LOOPSCOPE_NPM)
  message(FATAL_ERROR "node and npm are needed to bundle the live page: run tools/setup.sh build")
endif()

set(_web ${PROJECT_SOURCE_DIR}/web)
set(_web_out ${PROJECT_BINARY_DIR}/web)
file(MAKE_DIRECTORY ${_web_out})
file(GLOB _web_sources CONFIGURE_DEPENDS ${_web}/src/*.js ${_web}/src/*.css)

add_custom_command(OUTPUT ${_web_out}/npm.stamp
  COMMAND ${CMAKE_COMMAND} -DNPM=${LOOPSCOPE_NPM} -DDIRECTORY=${_web}
    -DSTAMP=${_web_out}/npm.stamp -P ${PROJECT_SOURCE_DIR}/cmake/NpmInstall.cmake
  DEPENDS ${_web}/package-lock.json ${PROJECT_SOURCE_DIR}/cmake/NpmInstall.cmake
  COMMENT "Installing the page's npm packages" VERBATIM)

set(_web_bundle ${_web_out}/app.js ${_web_out}/style.css ${_web_out}/third-party.txt)
add_custom_command(OUTPUT ${_web_bundle}
  COMMAND ${LOOPSCOPE_NODE} ${_web}/bundle.mjs ${_web_out}
  DEPENDS ${_web_sources} ${_web}/bundle.mjs ${_web_out}/npm.stamp
  COMMENT "Bundling web/" VERBATIM)
set(LOOPSCOPE_WEB_FILES ${_web}/index.html ${_web}/icon.svg ${_web_bundle})
