// A nats-server of a test's own: JetStream on a free port of the loopback interface, data in a folder that goes with
// it. Header only.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_folder.h"

namespace amanuensis::test {

// Free at this moment.
inline std::uint16_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  ::close(descriptor);
  return ntohs(address.sin_port);
}

// "" when there is none; Debian puts it into /usr/sbin.
inline std::string nats_server_program() {
  for (const char* path : {"/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return "";
}

class NatsServer {
 public:
  NatsServer() : port_(free_port()) { start(); }
  ~NatsServer() { stop(SIGKILL); }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  std::string address() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  // Again on the same port, with the same data.
  void start() {
    const std::vector<std::string> command{
        nats_server_program(), "-js", "-a", "127.0.0.1", "-p", std::to_string(port_), "-sd", folder_.path().string()};
    child_ = ::fork();
    if (child_ == 0) {
      const int nowhere = ::open("/dev/null", O_RDWR);
      for (const int each : {0, 1, 2}) ::dup2(nowhere, each);
      std::vector<char*> arguments;
      for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    for (int tries = 0; tries < 400; ++tries) {
      if (answers()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("nats-server does not answer");
  }
  void stop(int signal = SIGTERM) {
    if (child_ <= 0) return;
    ::kill(child_, signal);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  void pause() { ::kill(child_, SIGSTOP); }
  void resume() { ::kill(child_, SIGCONT); }

 private:
  bool answers() const {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return connected;
  }

  const TempFolder folder_;
  const std::uint16_t port_;
  pid_t child_ = 0;
};

}  // namespace amanuensis::test

// In a test's beginning: without a nats-server there is nothing to test.
#define AMANUENSIS_NEEDS_NATS()                                           \
  if (amanuensis::test::nats_server_program().empty()) {                  \
    GTEST_SKIP() << "nats-server is not installed (tools/setup.sh test)"; \
  }
