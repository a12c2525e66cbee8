# Makes a C++ source with the octets of files, for mgmt/ui_files.h:
#   cmake -DOUTPUT=ui_data.cpp -DFILES=a.html,b.js -P embed.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} octets HEX)
  if(octets STREQUAL "")
    message(FATAL_ERROR "${file} is empty")
  endif()
  string(REGEX REPLACE "(..)" "\\\\x\\1" octets "${octets}")
  # Lines of 100 octets: each \xNN ends where the next begins, or where its line does.
  string(REPEAT "...." 100 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n    \"" octets "${octets}")
  string(APPEND arrays "constexpr char kFile${number}[] =\n    \"${octets}\";\n")
  string(APPEND rows "    {\"${name}\", {kFile${number}, sizeof kFile${number} - 1}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT}.new
"// Made by cmake/embed.cmake.
#include \"mgmt/ui_files.h\"

namespace postrider::mgmt {

namespace {

${arrays}
constexpr UiFile kFiles[] = {
${rows}};

}  // namespace

std::span<const UiFile> ui_files() {
  return kFiles;
}

}  // namespace postrider::mgmt
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
