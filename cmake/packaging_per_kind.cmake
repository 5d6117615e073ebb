# Read by CPack for each kind of package.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_SET_DESTDIR ON)  # /etc and /lib are not below the prefix
  set(CPACK_INSTALL_PREFIX /usr)
else()
  string(REPLACE ";ALL;" ";Unspecified;" CPACK_INSTALL_CMAKE_PROJECTS "${CPACK_INSTALL_CMAKE_PROJECTS}")
endif()
