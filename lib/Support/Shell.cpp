//===- Shell.cpp - Words of a command and programs of the user ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program of the user runs in a process group of its own, so that it can be
// ended with all that it has started, and goes with this process.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Shell.h"

#include "qc/Support/Error.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace qc;
using llvm::Error;
using llvm::StringRef;

std::string qc::shellWord(StringRef word) {
  bool plain = !word.empty() && word.find_first_of(" \t\n'\"\\$*?&|;<>()[]{}"
                                                   "!#~`") == StringRef::npos;
  if (plain)
    return word.str();
  std::string text = "'";
  for (char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

namespace {
/// A running program and the pipe that it prints into.
struct Program {
  pid_t pid = -1;
  int output = -1;

  Error start(StringRef command, llvm::ArrayRef<std::string> words);
  /// Its end; -1 if it is not there yet.
  int wait(bool block);
  void kill();
};
} // namespace

Error Program::start(StringRef command, llvm::ArrayRef<std::string> words) {
  std::string text = command.str();
  for (const std::string &word : words)
    text += " " + shellWord(word);
  const char *arguments[] = {"sh", "-c", text.c_str(), nullptr};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return inputError("no-process", command, "", std::strerror(errno),
                      "a pipe");
  pid = ::fork();
  if (pid == 0) {
    // From here on only what may be called after a fork.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(ends[1], 1);
    ::execv("/bin/sh", const_cast<char *const *>(arguments));
    ::_exit(127);
  }
  int failure = errno;
  ::close(ends[1]);
  output = ends[0];
  if (pid > 0)
    return Error::success();
  ::close(output);
  return inputError("no-process", command, "", std::strerror(failure),
                    "a process");
}

int Program::wait(bool block) {
  int status = 0;
  pid_t found;
  do
    found = ::waitpid(pid, &status, block ? 0 : WNOHANG);
  while (found < 0 && errno == EINTR);
  return found == pid ? status : -1;
}

void Program::kill() {
  ::kill(-pid, SIGKILL);
  // The child may not have its group yet.
  ::kill(pid, SIGKILL);
  (void)wait(/*block=*/true);
}

llvm::Expected<std::string> qc::runShell(StringRef command,
                                         llvm::ArrayRef<std::string> words,
                                         size_t limit,
                                         llvm::function_ref<bool()> goesOn) {
  Program program;
  if (Error error = program.start(command, words))
    return std::move(error);
  auto end = [&](Error error) {
    program.kill();
    ::close(program.output);
    return error;
  };
  std::string text;
  for (bool open = true; open;) {
    if (!goesOn())
      return end(inputError("interrupted", "", "", "an interrupt", ""));
    pollfd waiting{program.output, POLLIN, 0};
    if (::poll(&waiting, 1, /*milliseconds=*/50) <= 0)
      continue;
    char buffer[65536];
    ssize_t got = ::read(program.output, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
      continue;
    open = got > 0;
    text.append(buffer, open ? static_cast<size_t>(got) : 0);
    if (text.size() > limit)
      return end(inputError("bad-command", command, "",
                            "more than " + std::to_string(limit) + " bytes",
                            "a short answer"));
  }
  int status = -1;
  while ((status = program.wait(/*block=*/false)) < 0) {
    if (!goesOn())
      return end(inputError("interrupted", "", "", "an interrupt", ""));
    ::usleep(10000);
  }
  ::close(program.output);
  if (status != 0)
    return inputError("bad-command", command, "",
                      WIFSIGNALED(status)
                          ? std::string("it stopped with the signal ") +
                                ::strsignal(WTERMSIG(status))
                          : "its exit code is " +
                                std::to_string(WEXITSTATUS(status)),
                      "a program that ends with 0");
  return text;
}
