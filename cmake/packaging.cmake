# What `cmake --install` puts where, and the packages (`make package`): a .deb and a relocatable .tar.gz.
include(GNUInstallDirs)

install(TARGETS amanuensis RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/amanuensis/models)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
# For those who run it otherwise: containers, Kubernetes, a dashboard.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/packaging/docker ${PROJECT_SOURCE_DIR}/packaging/kubernetes
                  ${PROJECT_SOURCE_DIR}/packaging/grafana DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Completions and the manual page are what the program says of itself.
install(CODE [[
  function(amanuensis_says form place)
    execute_process(COMMAND "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/amanuensis" completion ${form}
                    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/${place}" "${text}")
  endfunction()
  amanuensis_says(bash bash-completion/completions/amanuensis)
  amanuensis_says(zsh zsh/vendor-completions/_amanuensis)
  amanuensis_says(fish fish/vendor_completions.d/amanuensis.fish)
  amanuensis_says(man man/man1/amanuensis.1)
  find_program(gzip gzip REQUIRED)
  execute_process(COMMAND ${gzip} -9nf "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/man/man1/amanuensis.1"
                  COMMAND_ERROR_IS_FATAL ANY)
]])

# The services and their settings belong to the .deb alone: a tarball does not know where it will lie.
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/amanuensis.service
              ${PROJECT_SOURCE_DIR}/packaging/systemd/amanuensis-worker.service
        DESTINATION /lib/systemd/system COMPONENT service)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/config.toml ${PROJECT_SOURCE_DIR}/packaging/worker.toml
        DESTINATION /etc/amanuensis COMPONENT service)

set(CPACK_PACKAGE_NAME amanuensis)
set(CPACK_PACKAGE_VENDOR "The Amanuensis project")
set(CPACK_PACKAGE_CONTACT "The Amanuensis project <amanuensis@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-hosted speech-to-text with Whisper models")
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Transcribes recordings and live speech on this machine's own processors, with word times and speaker labels.
 There is a command line, and a server that speaks OpenAI's API, with a page for people. A small English model
 is included; others are fetched by `amanuensis models pull`.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
    ${PROJECT_SOURCE_DIR}/packaging/debian/prerm ${PROJECT_SOURCE_DIR}/packaging/debian/postrm
    ${PROJECT_SOURCE_DIR}/packaging/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/packaging_per_kind.cmake)
include(CPack)
