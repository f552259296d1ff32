//===- Process.cpp - The runner as a process ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runner's program is bytes inside the compiler: it is executed from an
// anonymous file in memory, so that nothing has to be installed or unpacked.
//
//===----------------------------------------------------------------------===//

#include "Process.h"

#include "qc/Runtime/Embedded.h"
#include "qc/Support/Error.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace qc;
using llvm::StringRef;

Arch qc::hostArch() {
  llvm::Triple host(llvm::sys::getProcessTriple());
  return host.getArch() == llvm::Triple::aarch64 ? Arch::AArch64 : Arch::X86_64;
}

/// The runner's program in an anonymous file, or -1.
static int runnerFile(Arch arch) {
  StringRef name = arch == Arch::X86_64 ? "x86_64/runner" : "aarch64/runner";
  for (const qc_embedded_file *file = qc_embedded_runners; file->name; ++file) {
    if (name != file->name)
      continue;
    int fd = ::memfd_create("qc-runner", 0);
    size_t done = 0;
    while (fd >= 0 && done < file->size) {
      ssize_t put = ::write(fd, file->data + done, file->size - done);
      if (put <= 0) {
        ::close(fd);
        return -1;
      }
      done += static_cast<size_t>(put);
    }
    return fd;
  }
  return -1;
}

/// What runs programs of a foreign architecture: emulator and its options.
static llvm::Expected<std::vector<std::string>> emulator(Arch arch,
                                                         StringRef what) {
  bool arm = arch == Arch::AArch64;
  std::string base = arm ? "qemu-aarch64" : "qemu-x86_64";
  auto program = llvm::sys::findProgramByName(base + "-static");
  if (!program)
    program = llvm::sys::findProgramByName(base);
  if (!program)
    return inputError("no-emulator", what, "",
                      llvm::Twine("no ") + base + " on this machine",
                      "it in PATH (package qemu-user-static), to run a library "
                      "for another CPU");
  std::vector<std::string> command = {*program};
  std::string root = arm ? "/usr/aarch64-linux-gnu" : "/usr/x86_64-linux-gnu";
  if (llvm::sys::fs::is_directory(root)) {
    command.push_back("-L");
    command.push_back(root);
  }
  return command;
}

/// The environment of a runner on this CPU: it finds the oneDNN that qc has.
static std::vector<std::string> runnerEnvironment() {
  std::vector<std::string> variables;
  std::string path;
  for (char **entry = environ; *entry; ++entry) {
    StringRef variable = *entry;
    if (variable.consume_front("LD_LIBRARY_PATH="))
      path = variable.str();
    else
      variables.push_back(variable.str());
  }
#ifdef QC_ONEDNN_FOLDER
  path += (path.empty() ? "" : ":") + std::string(QC_ONEDNN_FOLDER);
#endif
  if (!path.empty())
    variables.push_back("LD_LIBRARY_PATH=" + path);
  return variables;
}

/// Pointers to the texts, then a null.
static std::vector<char *> pointersTo(std::vector<std::string> &texts) {
  std::vector<char *> pointers;
  for (std::string &text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

llvm::Error RunnerProcess::start(Arch arch,
                                 llvm::ArrayRef<std::string> arguments,
                                 StringRef name) {
  what = name.str();
  std::vector<std::string> command;
  if (arch != hostArch()) {
    auto prefix = emulator(arch, name);
    if (!prefix)
      return prefix.takeError();
    command = *prefix;
  }
  int file = runnerFile(arch), sockets[2];
  if (file < 0)
    return inputError("no-runner", name, "",
                      "a qc without a runner for this "
                      "CPU or no memory",
                      "a qc built with the cross compiler");
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    ::close(file);
    return inputError("no-runner", name, "", std::strerror(errno), "a socket");
  }
  command.push_back("/proc/self/fd/" + std::to_string(file));
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = runnerEnvironment();
  std::vector<char *> argv = pointersTo(command), envp = pointersTo(variables);
  pid = ::fork();
  if (pid == 0) {
    ::dup2(sockets[1], 0);
    ::dup2(sockets[1], 1);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(sockets[1]);
  ::close(file);
  socket = sockets[0];
  if (pid < 0)
    return inputError("no-runner", name, "", std::strerror(errno),
                      "a process to run the library in");
  return llvm::Error::success();
}

RunnerProcess::~RunnerProcess() {
  if (socket >= 0)
    ::close(socket);
  if (pid > 0)
    ::waitpid(pid, nullptr, 0);
}

void RunnerProcess::send(const void *data, size_t bytes) {
  const char *at = static_cast<const char *>(data);
  while (bytes && !failed) {
    ssize_t put = ::send(socket, at, bytes, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0) {
      failed = true;
      return;
    }
    at += put;
    bytes -= static_cast<size_t>(put);
  }
}

void RunnerProcess::receive(void *data, size_t bytes) {
  char *at = static_cast<char *>(data);
  while (bytes && !failed) {
    ssize_t got = ::recv(socket, at, bytes, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      failed = true;
    else {
      at += got;
      bytes -= static_cast<size_t>(got);
    }
  }
  if (bytes)
    std::memset(at, 0, bytes);
}

int64_t RunnerProcess::receiveNumber() {
  int64_t value = 0;
  receive(&value, sizeof value);
  return value;
}

double RunnerProcess::receiveDouble() {
  double value = 0;
  receive(&value, sizeof value);
  return value;
}

std::string RunnerProcess::receiveText(size_t limit) {
  int64_t size = receiveNumber();
  if (size < 0 || static_cast<uint64_t>(size) > limit) {
    failed = true;
    return "";
  }
  std::string text(static_cast<size_t>(size), '\0');
  receive(text.data(), text.size());
  return text;
}

llvm::Error RunnerProcess::failure() {
  if (!failed)
    return llvm::Error::success();
  int status = 0;
  std::string found = "an answer that makes no sense";
  if (pid > 0 && ::waitpid(pid, &status, WNOHANG) == pid) {
    pid = -1;
    if (WIFSIGNALED(status))
      found = std::string("it stopped with the signal ") +
              ::strsignal(WTERMSIG(status));
    else
      found =
          "its process ended with code " + std::to_string(WEXITSTATUS(status));
  }
  return inputError("library-failed", what, "", found,
                    "a library that qc wrote and nobody changed");
}
