// The signals of the daemon: blocked in every thread, waited for by the main thread. Made before any thread is.
#pragma once

namespace postrider::cmd {

enum class DaemonSignal : unsigned char { stop, reload };

class Signals {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP; ignores SIGPIPE and SIGXFSZ: a write to a closed socket or beyond a file-size limit
  // is an error to handle, not an end.
  Signals();
  DaemonSignal wait();
  // From here on SIGTERM and SIGINT end the process at once: whoever asks twice does not want to wait.
  void end_at_once_on_next();
};

}  // namespace postrider::cmd
