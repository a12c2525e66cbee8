// Certificates that event callbacks are signed with, by their address. Whoever posts a callback can name any address that the vendor's
// rule allows, so: each is fetched once for all who ask meanwhile, few at a time, failures are remembered for a while, and the number
// kept is bounded. HTTPS only; what is found is checked by whoever verifies with it. mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>

#include "net/http_sender.h"
#include "net/loop.h"

namespace postrider::mgmt {

struct CertificateLimits {
  std::size_t kept = 16;     // addresses
  std::size_t fetching = 4;  // at once; unavailable beyond
  Duration good = std::chrono::hours(24);
  Duration bad = std::chrono::seconds(30);     // an address that had none is not asked again so soon
  Duration connect = std::chrono::seconds(4);  // SNS waits 15 seconds for our answer
  Duration answer = std::chrono::seconds(4);
  std::size_t octets = 64 * 1024;
};

class CertificateCache {
 public:
  // Both outlive this. The Done of a fetch holds what it writes to.
  CertificateCache(net::Loop& loop, net::HttpSender& http, CertificateLimits limits = {});
  // The PEM text. invalid: that is no https address; unavailable: it cannot be had now.
  boost::asio::awaitable<result<std::string>> get(std::string url);

 private:
  struct Entry;
  std::shared_ptr<Entry> fresh(const std::string& url) const;  // null: none, or it is too old
  std::shared_ptr<Entry> begin(const std::string& url);        // null: too many at once
  void make_room();

  net::Loop& loop_;
  net::HttpSender& http_;
  CertificateLimits limits_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace postrider::mgmt
