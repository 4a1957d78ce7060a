# find_package(Calzone): the target Calzone::calzone, with the flags that keep its errors short.
include(CMakeFindDependencyMacro)
find_dependency(SQLite3)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/CalzoneTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/CalzoneFlags.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/CalzoneHardening.cmake")
calzone_harden(Calzone::calzone INTERFACE)
