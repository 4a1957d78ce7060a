# What a project that uses Calzone is compiled with, so that a misspelt field gives a short error on the
# author's own line.
function(calzone_diagnostics target scope)
  target_compile_options(${target} ${scope}
    $<$<C_COMPILER_ID:GNU>:-Wno-override-init>
    $<$<C_COMPILER_ID:Clang,AppleClang>:-fmacro-backtrace-limit=1>
    $<$<C_COMPILER_ID:Clang,AppleClang>:-Wno-initializer-overrides>)
endfunction()
