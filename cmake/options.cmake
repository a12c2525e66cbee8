# Warnings, sanitizers and the compiler cache, the same for every target.
find_program(POSTRIDER_CCACHE ccache)
if(POSTRIDER_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${POSTRIDER_CCACHE})
endif()

# Line tables are all that a backtrace needs; full debug information takes a fifth of the build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

add_library(postrider_options INTERFACE)
target_compile_options(postrider_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  # ccache can only reuse objects built with a precompiled header when the header does not stamp them.
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside libstdc++ and Boost templates after inlining; clang-tidy and the sanitizers cover them.
  target_compile_options(postrider_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-array-bounds -Wno-restrict -Wno-dangling-pointer -Wno-mismatched-new-delete -Wno-tsan)
endif()
# Release compiles several sources of a folder as one (CMakePresets.json), in half the time: what their headers bring is parsed and
# instantiated once. So names in unnamed namespaces are unlike each other within a folder, and GCC takes sources for headers.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(CMAKE_UNITY_BUILD)
  target_compile_options(postrider_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(POSTRIDER_SANITIZE)
  add_compile_options(-fsanitize=${POSTRIDER_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POSTRIDER_SANITIZE})
endif()
# Coroutine frames: Asio keeps two freed blocks a thread and purpose by default, fewer than one session has in turn, and takes
# new ones from aligned_alloc, which glibc serves without its per-thread cache. Nothing here is aligned beyond 16 octets.
target_compile_definitions(postrider_options INTERFACE POSTRIDER_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16 BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
target_include_directories(postrider_options INTERFACE ${CMAKE_SOURCE_DIR})

# postrider_library(NAME folder-edges...): a static library of all sources in the folder.
function(postrider_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC postrider_options ${ARGN})
endfunction()

# postrider_off_the_path(NAME): nothing of it is on the path of a message; -O1 takes two thirds of the time to compile.
function(postrider_off_the_path name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
endfunction()
