#include "mgmt/certificate_cache.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kPemBegins = "-----BEGIN CERTIFICATE-----";  // RFC 7468 5.1

result<std::string> certificate_in(result<net::HttpOutcome> outcome) {
  if (!outcome) return outcome.error();
  if (outcome->stage != net::HttpStage::done)
    return Fault{FaultKind::unavailable, "the certificate cannot be fetched: " + outcome->error};
  if (outcome->response.status != 200 || outcome->response.body.find(kPemBegins) == std::string::npos)
    return Fault{FaultKind::unavailable, "there is no certificate where the callback says: HTTP status " +
                                             std::to_string(outcome->response.status)};
  return std::move(outcome->response.body);
}

}  // namespace

// One address. Those who wait for it wait on `arrived`, which is cancelled when `found` is there.
struct CertificateCache::Entry {
  explicit Entry(asio::io_context& io) : arrived(io, asio::steady_timer::time_point::max()) {}
  asio::steady_timer arrived;
  std::optional<result<std::string>> found;
  Duration asked{};  // monotonic
};

CertificateCache::CertificateCache(net::Loop& loop, net::HttpSender& http, CertificateLimits limits)
    : loop_(loop), http_(http), limits_(limits) {}

asio::awaitable<result<std::string>> CertificateCache::get(std::string url) {
  if (!url.starts_with(kHttps)) co_return invalid("a certificate is fetched over https only");
  std::shared_ptr<Entry> entry = fresh(url);
  if (!entry) entry = begin(url);
  if (!entry) co_return Fault{FaultKind::unavailable, "too many certificates are being fetched"};
  boost::system::error_code ended;
  if (!entry->found) co_await entry->arrived.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (!entry->found) co_return Fault{FaultKind::unavailable, "the relay is stopping"};
  co_return *entry->found;
}

std::shared_ptr<CertificateCache::Entry> CertificateCache::fresh(const std::string& url) const {
  const auto at = entries_.find(url);
  if (at == entries_.end()) return nullptr;
  const std::shared_ptr<Entry>& entry = at->second;
  if (!entry->found) return entry;
  const Duration kept = *entry->found ? limits_.good : limits_.bad;
  return loop_.clock().monotonic() - entry->asked < kept ? entry : nullptr;
}

std::shared_ptr<CertificateCache::Entry> CertificateCache::begin(const std::string& url) {
  const auto is_fetching = [](const auto& each) { return !each.second->found; };
  const auto fetching = static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), is_fetching));
  if (fetching >= limits_.fetching) return nullptr;
  make_room();
  auto entry = std::make_shared<Entry>(loop_.io());
  entry->asked = loop_.clock().monotonic();
  entries_[url] = entry;
  net::HttpExchange exchange;
  exchange.method = "GET";
  exchange.url = url;
  exchange.connect_timeout = limits_.connect;
  exchange.stall_timeout = exchange.answer_timeout = limits_.answer;
  exchange.max_answer = limits_.octets;
  exchange.pool = "certificates";
  http_.send(std::move(exchange), Done<net::HttpOutcome>(loop_, [entry](result<net::HttpOutcome> outcome) {
               entry->found = certificate_in(std::move(outcome));
               entry->arrived.cancel();
             }));
  return entry;
}

// What could not be had goes first, then what is oldest: strangers' inventions do not push out what is in use.
void CertificateCache::make_room() {
  while (entries_.size() >= limits_.kept) {
    const auto less_worth = [](const auto& a, const auto& b) {
      const auto worth = [](const Entry& entry) { return !entry.found || entry.found->has_value(); };
      return std::pair(worth(*a.second), a.second->asked) < std::pair(worth(*b.second), b.second->asked);
    };
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), less_worth));
  }
}

}  // namespace postrider::mgmt
