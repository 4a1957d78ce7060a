# What a project that uses Calzone is compiled with, so that a misspelt field gives a short error on the
# author's own line (tests/compile_errors.sh). The warnings that are off would speak of every macro with
# named arguments: a default that is given a value, and members that are left out.
function(calzone_diagnostics target scope)
  target_compile_options(${target} ${scope}
    -Wno-missing-field-initializers
    $<$<C_COMPILER_ID:GNU>:-Wno-override-init>
    $<$<C_COMPILER_ID:Clang,AppleClang>:-fmacro-backtrace-limit=1>
    $<$<C_COMPILER_ID:Clang,AppleClang>:-Wno-initializer-overrides>)
endfunction()
