// One c-ares channel and the poll loop that drives it. Private to the Resolver; all but wake() on the resolver thread. Knows
// nothing of caches, waiters or deadlines but c-ares' own.
#pragma once

#include <ares.h>
#include <poll.h>

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "net/name_cache.h"

namespace postrider::net {

struct AresAnswer {
  result<NameData> data;
  Duration ttl{};
};

class AresChannel {
 public:
  struct Options {
    Duration timeout;     // all tries together, roughly: the caller enforces it
    std::string servers;  // "ADDRESS:PORT,..."; empty: the system's
  };
  using OnAnswer = std::function<void(AresAnswer)>;

  explicit AresChannel(Options options);  // throws std::runtime_error when c-ares or the kernel refuses
  ~AresChannel();                         // calls every OnAnswer that is still owed, with `unavailable`
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  void query(const std::string& host, OnAnswer on_answer);  // may call on_answer at once (/etc/hosts)
  // The SRV records of "_service._protocol.domain". This c-ares does not say their TTL: the answer's is zero.
  void query_service(const std::string& name, OnAnswer on_answer);
  void work(Duration at_most);  // waits for the network, wake() or the time, and handles it
  void wake();                  // any thread

 private:
  void open();
  void reopen_if_changed();
  void watch(ares_socket_t socket, bool readable, bool writable);

  const Options options_;
  int wake_fd_ = -1;
  ares_channel channel_ = nullptr;
  std::vector<pollfd> watched_;
  std::size_t under_way_ = 0;
  std::int64_t configured_at_ = 0;  // modification time of the system's configuration
};

}  // namespace postrider::net
