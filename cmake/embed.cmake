# amanuensis_embed(target name folder): puts every file below `folder` into `target`, by the assembler's .incbin, with a
# table of them that src/server/assets/embedded.h describes. A file that is added or changed is seen by the next build.
function(amanuensis_embed target name folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS LIST_DIRECTORIES false RELATIVE ${folder} ${folder}/*)
  list(SORT files)
  set(assembly "    .section .rodata\n")
  set(declarations "")
  set(rows "")
  set(paths "")
  set(number 0)
  foreach(file ${files})
    set(symbol amanuensis_${name}_${number})
    string(APPEND assembly "    .global ${symbol}\n    .global ${symbol}_end\n    .balign 16\n${symbol}:\n"
                           "    .incbin \"${folder}/${file}\"\n${symbol}_end:\n    .byte 0\n")
    string(APPEND declarations "extern \"C\" const char ${symbol}[];\nextern \"C\" const char ${symbol}_end[];\n")
    string(APPEND rows "    {\"${file}\", ${symbol}, ${symbol}_end},\n")
    list(APPEND paths ${folder}/${file})
    math(EXPR number "${number} + 1")
  endforeach()
  string(APPEND assembly "    .section .note.GNU-stack,\"\",@progbits\n")
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name})
  file(CONFIGURE OUTPUT ${generated}.S CONTENT "${assembly}" @ONLY)
  file(CONFIGURE OUTPUT ${generated}.cc CONTENT
       "#include \"server/assets/embedded.h\"\n\n${declarations}\nnamespace amanuensis::server {\n\n\
std::span<const EmbeddedFile> embedded_${name}() {\n  static const EmbeddedFile files[] = {\n${rows}  };\n  return files;\n\
}\n\n}  // namespace amanuensis::server\n" @ONLY)
  target_sources(${target} PRIVATE ${generated}.S ${generated}.cc)
  set_source_files_properties(${generated}.S PROPERTIES OBJECT_DEPENDS "${paths}")
endfunction()
