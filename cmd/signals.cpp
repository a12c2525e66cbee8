#include "cmd/signals.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace postrider::cmd {

namespace {

sigset_t waited_for() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// 128 + n is what a shell says of a process that ended by signal n.
void end_at_once(int signal) {
  ::_exit(128 + signal);
}

}  // namespace

Signals::Signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  const sigset_t set = waited_for();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

DaemonSignal Signals::wait() {
  const sigset_t set = waited_for();
  int signal = 0;
  while (::sigwait(&set, &signal) != 0) {
  }
  return signal == SIGHUP ? DaemonSignal::reload : DaemonSignal::stop;
}

void Signals::end_at_once_on_next() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT}) {
    ::signal(signal, end_at_once);
    sigaddset(&set, signal);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace postrider::cmd
