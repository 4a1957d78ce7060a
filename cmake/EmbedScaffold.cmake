# Write OUT, a C source that holds the files below FOLDER:
#   cmake -DFOLDER=... -DOUT=... -P EmbedScaffold.cmake
# A leading "dot-" of a file's name stands for ".": so the files act on a new project and not on this one.
file(GLOB_RECURSE paths LIST_DIRECTORIES false RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT paths)
set(bytes "")
set(table "")
set(count 0)
foreach(path IN LISTS paths)
  file(READ ${FOLDER}/${path} hex HEX)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
  string(REGEX REPLACE "(^|/)dot-" "\\1." name "${path}")
  string(APPEND bytes "static const unsigned char file_${count}[] = { ${hex} };\n")
  string(APPEND table "    { \"${name}\", (const char *)file_${count}, ${length} },\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by cmake/EmbedScaffold.cmake. */
#include \"management/main/command.h\"

${bytes}
const struct scaffold_file scaffold_files[] = {
${table}};
const size_t scaffold_file_count = ${count};
")
