# Swagger UI and ReDoc from npm, compressed and embedded: calzone_pages(OUT) puts the sources to compile into OUT, or leaves it
# empty where npm or the network is not there, and says so. What was installed once is kept in the build folder.
get_filename_component(CZ_PAGES_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../src/openapi/pages ABSOLUTE)

# OUT: assembler for the bytes of a file of FOLDER, compressed beside it: cz__asset_NAME to cz__asset_NAME_end.
function(calzone_asset out folder name file)
  set(packed ${folder}/${name}.gz)
  # ReDoc would fetch its maker's logo from the maker's site: pages of a project load nothing from elsewhere.
  if(NOT EXISTS ${packed})
    execute_process(COMMAND sed "s|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|" ${folder}/node_modules/${file}
      COMMAND gzip -9n OUTPUT_FILE ${packed} RESULTS_VARIABLE codes)
    if(NOT codes STREQUAL "0;0")
      file(REMOVE ${packed})
      message(FATAL_ERROR "${file} cannot be compressed")
    endif()
  endif()
  string(CONCAT lines "    .section .rodata.cz__asset_${name},\"a\",%progbits\n"
    "    .globl cz__asset_${name}\n    .hidden cz__asset_${name}\ncz__asset_${name}:\n    .incbin \"${packed}\"\n"
    "    .globl cz__asset_${name}_end\n    .hidden cz__asset_${name}_end\ncz__asset_${name}_end:\n")
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# Write the assembler source NAME.S of assets "NAME FILE NAME FILE ..." of FOLDER, and add it to OUT.
function(calzone_page out folder name)
  set(text "/* Made by cmake/CalzonePages.cmake. */\n#ifdef __CET__\n#include <cet.h>\n#endif\n")
  while(ARGN)
    list(POP_FRONT ARGN asset file)
    calzone_asset(lines ${folder} ${asset} ${file})
    string(APPEND text "${lines}")
  endwhile()
  string(APPEND text "    .section .note.GNU-stack,\"\",%progbits\n")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/pages/${name}.S CONTENT "${text}" @ONLY)
  set(${out} ${${out}} ${CMAKE_CURRENT_BINARY_DIR}/pages/${name}.S PARENT_SCOPE)
endfunction()

# The version of a package that package.json names, as NAME in C.
function(calzone_page_version source package macro)
  file(READ ${CZ_PAGES_SOURCE}/package.json json)
  string(JSON version GET "${json}" dependencies ${package})
  set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS ${macro}="${version}")
endfunction()

function(calzone_install_pages folder)
  find_program(CZ_NPM npm)
  if(NOT CZ_NPM)
    message(WARNING "npm is not here: Swagger UI and ReDoc are not built in, and their pages answer 501. "
      "Install npm (Debian: nodejs npm) and configure again.")
    return()
  endif()
  file(REMOVE_RECURSE ${folder})
  foreach(file package.json package-lock.json .npmrc)
    configure_file(${CZ_PAGES_SOURCE}/${file} ${folder}/${file} COPYONLY)
  endforeach()
  message(STATUS "Installing Swagger UI and ReDoc")
  execute_process(COMMAND ${CZ_NPM} ci --ignore-scripts --no-audit --no-fund --fetch-retries=1
    WORKING_DIRECTORY ${folder}
    RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 120)
  if(code EQUAL 0)
    file(TOUCH ${folder}/installed)
  else()
    file(REMOVE_RECURSE ${folder})
    message(WARNING "npm could not install Swagger UI and ReDoc; their pages answer 501 until it can, and CMake "
      "configures again. It said:\n${said}")
  endif()
endfunction()

function(calzone_pages out)
  file(SHA256 ${CZ_PAGES_SOURCE}/package-lock.json lock)
  string(SUBSTRING ${lock} 0 12 lock)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/pages/npm-${lock})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CZ_PAGES_SOURCE}/package-lock.json
    ${CZ_PAGES_SOURCE}/package.json)
  if(NOT EXISTS ${folder}/installed)
    calzone_install_pages(${folder})
  endif()
  if(NOT EXISTS ${folder}/installed)
    set(${out} "" PARENT_SCOPE)
    return()
  endif()
  calzone_page(sources ${folder} swagger_ui_assets swagger_js swagger-ui-dist/swagger-ui-bundle.js
    swagger_css swagger-ui-dist/swagger-ui.css)
  calzone_page(sources ${folder} redoc_assets redoc_js redoc/bundles/redoc.standalone.js)
  set(${out} ${sources} PARENT_SCOPE)
endfunction()
