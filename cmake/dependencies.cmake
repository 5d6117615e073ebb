# Everything comes from Debian 12; `tools/setup.sh` installs it. Each library is linked by the room that needs it.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libswresample libavutil)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
# The server: HTTP and WebSocket, log, jobs, metrics.
find_package(Boost 1.81 REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(prometheus-cpp REQUIRED)
# The fleet: jobs in NATS JetStream.
pkg_check_modules(NATS REQUIRED IMPORTED_TARGET libnats)
# Storage: S3's answers.
find_package(pugixml REQUIRED)
