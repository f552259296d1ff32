//===- Process.cpp - How qc ends: well, interrupted, by a bug -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interrupts are taken by a thread of their own, which may do what a signal
// handler may not: it gives the work a moment to end by itself, then removes
// what is unfinished. A crash is handled with system calls alone.
//
//===----------------------------------------------------------------------===//

#include "Process.h"

#include "qc/Support/OutputFolder.h"
#include "qc/Target/Artifact/Artifact.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace qc;

namespace {

/// Everything that ending the process needs. Texts are fixed arrays, so that a
/// crash can use them.
struct ProcessState {
  std::atomic<bool> interrupted{false}, finished{false}, deferred{false};
  llvm::SmallString<128> temporary;
  char command[4096] = "", model[4096] = "";
  bool json = false;
  alignas(16) char crashStack[64 << 10];
};

} // namespace

static ProcessState &state() {
  static ProcessState instance;
  return instance;
}

bool driver::interrupted() { return state().interrupted; }
void driver::deferInterrupts() { state().deferred = true; }

static void removeTemporary() {
  if (!state().temporary.empty())
    llvm::sys::fs::remove_directories(state().temporary);
}

/// Waits for an interrupt, then for the work to notice it.
static void waitForInterrupt(sigset_t signals) {
  int signal = 0;
  if (sigwait(&signals, &signal) != 0)
    return;
  state().interrupted = true;
  if (state().deferred)
    (void)sigwait(&signals, &signal);
  for (int i = 0; i < 10 && !state().finished; ++i)
    ::usleep(100000);
  if (state().finished)
    return;
  removeUnfinishedFolder();
  // Those of qc::OutputFile.
  llvm::sys::RunInterruptHandlers();
  OutputFolder::removeUnfinished();
  removeTemporary();
  static const char text[] = "\nerror: interrupted\n";
  static const char json[] =
      "{\"schema\": 1, \"error\": {\"code\": \"interrupted\", \"file\": \"\", "
      "\"where\": \"\", \"found\": \"an interrupt\", \"expected\": \"\"}}\n";
  if (state().json)
    (void)!::write(STDOUT_FILENO, json, sizeof json - 1);
  else
    (void)!::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(130);
}

/// Appends to a fixed text, as far as it fits.
static void append(char *text, size_t size, const char *more) {
  size_t used = std::strlen(text);
  while (*more && used + 1 < size)
    text[used++] = *more++;
  text[used] = 0;
}

static void appendNumber(char *text, size_t size, long number) {
  char digits[24];
  int at = 23;
  digits[at] = 0;
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number);
  append(text, size, digits + at);
}

static void writeText(int file, const char *text) {
  (void)!::write(file, text, std::strlen(text));
}

static void copyModel(const char *folder) {
  const char *model = state().model;
  int from = *model ? ::open(model, O_RDONLY | O_CLOEXEC) : -1;
  if (from < 0)
    return;
  char path[512] = "";
  append(path, sizeof path, folder);
  append(path, sizeof path, "/");
  const char *slash = std::strrchr(model, '/');
  append(path, sizeof path, slash ? slash + 1 : model);
  int to = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  char buffer[16384];
  for (ssize_t got; to >= 0 && (got = ::read(from, buffer, sizeof buffer)) > 0;)
    if (::write(to, buffer, static_cast<size_t>(got)) != got)
      break;
}

/// Writes the reproducer and ends with the exit code of a bug.
static void onCrash(int signal) {
  std::signal(signal, SIG_DFL);
  char folder[64] = "qc-reproducer-";
  appendNumber(folder, sizeof folder, ::getpid());
  bool made = ::mkdir(folder, 0777) == 0;
  if (made) {
    char path[128] = "";
    append(path, sizeof path, folder);
    append(path, sizeof path, "/command.txt");
    int file = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      writeText(file, state().command);
      writeText(file, "\n");
      ::close(file);
    }
    copyModel(folder);
  }
  char line[512] = "";
  append(line, sizeof line,
         state().json ? "{\"schema\": 1, \"error\": {\"code\": \"bug\", "
                        "\"file\": \""
                      : "\nerror: this is a bug in qc (signal ");
  if (state().json) {
    append(line, sizeof line, made ? folder : "");
    append(line, sizeof line, "\", \"where\": \"\", \"found\": \"signal ");
    appendNumber(line, sizeof line, signal);
    append(line, sizeof line, "\", \"expected\": \"\"}}\n");
  } else {
    appendNumber(line, sizeof line, signal);
    append(line, sizeof line, made ? "); to reproduce it: " : ")");
    append(line, sizeof line, made ? folder : "");
    append(line, sizeof line, "\n");
  }
  writeText(state().json ? STDOUT_FILENO : STDERR_FILENO, line);
  ::_exit(3);
}

static void handleCrashes() {
  stack_t stack = {};
  stack.ss_sp = state().crashStack;
  stack.ss_size = sizeof state().crashStack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    ::sigaction(signal, &action, nullptr);
}

void driver::startProcess() {
  handleCrashes();
  if (!llvm::sys::fs::createUniqueDirectory("qc", state().temporary))
    ::setenv("TMPDIR", state().temporary.c_str(), 1);
  else
    state().temporary.clear();
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(waitForInterrupt, signals).detach();
}

void driver::finishProcess() {
  state().finished = true;
  removeTemporary();
}

void driver::setReproducer(const std::string &commandLine, bool json) {
  std::snprintf(state().command, sizeof state().command, "%s",
                commandLine.c_str());
  state().json = json;
}

void driver::setReproducerModel(const std::string &path) {
  std::snprintf(state().model, sizeof state().model, "%s", path.c_str());
}
