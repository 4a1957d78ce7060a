# What makes a mistake in C end a worker instead of obeying who made use of it: calzone_harden(TARGET SCOPE). Probed, as each compiler knows
# others; off with -DCZ_HARDENING=OFF and with sanitizers, which look for themselves.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
option(CZ_HARDENING "Compile and link so that mistakes are harder to make use of" ON)

# Each where it is known:
#   stack-protector-strong, stack-clash-protection   an overflow of the stack is found, and meets the guard page
#   trivial-auto-var-init=zero                       what was on the stack leaves by no mistake (src/base/unset.h)
#   zero-call-used-regs=used-gpr                     registers hand nothing on to those that chain returns
#   cf-protection=branch                             indirect calls land where calls may (docs/decisions/0160)
#   strict-flex-arrays=3                             an array of a fixed size is one for the checks of _FORTIFY_SOURCE
set(CALZONE_HARDENING_FLAGS -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
  -fzero-call-used-regs=used-gpr -fcf-protection=branch -fstrict-flex-arrays=3)
set(CALZONE_HARDENING_LINK_FLAGS -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)

# Clang takes some flags only with a word that it will go; a flag that brings a warning counts as unknown.
function(calzone_hardening_probe)
  set(CMAKE_REQUIRED_FLAGS -Werror)
  set(compile "")
  foreach(flag IN LISTS CALZONE_HARDENING_FLAGS)
    string(MAKE_C_IDENTIFIER "CZ_HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      list(APPEND compile ${flag})
    endif()
  endforeach()
  set(link "")
  foreach(flag IN LISTS CALZONE_HARDENING_LINK_FLAGS)
    string(MAKE_C_IDENTIFIER "CZ_HAVE${flag}" have)
    check_linker_flag(C ${flag} ${have})
    if(${have})
      list(APPEND link ${flag})
    endif()
  endforeach()
  set(fortify 0)
  foreach(level 2 3)
    set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level}")
    check_c_source_compiles("#include <stdio.h>\nint main(void) { return puts(\"\"); }" CZ_HAVE_FORTIFY_${level})
    if(CZ_HAVE_FORTIFY_${level})
      set(fortify ${level})
    endif()
  endforeach()
  set(CALZONE_HARDENING_COMPILE "${compile}" CACHE INTERNAL "")
  set(CALZONE_HARDENING_LINK "${link}" CACHE INTERNAL "")
  set(CALZONE_HARDENING_FORTIFY ${fortify} CACHE INTERNAL "")
  message(STATUS "Hardening: _FORTIFY_SOURCE=${fortify} ${compile} ${link}")
endfunction()

# _FORTIFY_SOURCE needs a compiler that optimises, so builds for debugging go without.
function(calzone_harden target scope)
  if(NOT CZ_HARDENING)
    return()
  endif()
  if(NOT DEFINED CALZONE_HARDENING_FORTIFY)
    calzone_hardening_probe()
  endif()
  foreach(flag IN LISTS CALZONE_HARDENING_COMPILE)
    # An object of assembler without the mark of branch protection takes it from the whole program.
    set(languages C)
    if(flag MATCHES "cf-protection")
      set(languages C,ASM)
    endif()
    target_compile_options(${target} ${scope} $<$<COMPILE_LANGUAGE:${languages}>:${flag}>)
  endforeach()
  if(CALZONE_HARDENING_FORTIFY)
    target_compile_options(${target} ${scope}
      "$<$<AND:$<COMPILE_LANGUAGE:C>,$<CONFIG:Release,RelWithDebInfo,MinSizeRel>>:SHELL:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${CALZONE_HARDENING_FORTIFY}>")
  endif()
  target_link_options(${target} ${scope} ${CALZONE_HARDENING_LINK})
endfunction()
