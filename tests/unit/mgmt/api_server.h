// The management API over a real loopback socket and a memory store, for tests: the server on its own thread, the clients
// blocking on the test's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/object.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/lane_rules.h"
#include "core/log.h"
#include "core/metrics.h"
#include "mgmt/body_api.h"
#include "mgmt/bulk_api.h"
#include "mgmt/events_api.h"
#include "mgmt/health_api.h"
#include "mgmt/key_ring.h"
#include "mgmt/keys_api.h"
#include "mgmt/login_guard.h"
#include "mgmt/messages_api.h"
#include "mgmt/retention_api.h"
#include "mgmt/server.h"
#include "mgmt/sessions.h"
#include "mgmt/stats_api.h"
#include "mgmt/tokens_api.h"
#include "mgmt/upstreams_api.h"
#include "mgmt/users_api.h"
#include "net/listener.h"
#include "net/loop.h"
#include "storage/memory_store.h"
#include "tests/unit/mgmt/upstream_fixture.h"

namespace postrider::mgmt::test {

inline constexpr const char* kToken = "pr_operatoroperatoroperatoroperatoroperatoroper";
inline constexpr const char* kTenantToken = "pr_shopshopshopshopshopshopshopshopshopshopsho";  // of the tenant "shop"

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& lower_case_name) const;
  const boost::json::object& json() const&;  // parsed once, lives as long as the answer
  boost::json::object json() &&;

 private:
  mutable std::shared_ptr<const boost::json::object> parsed_;
};

// One connection, octets in and out.
class RawClient {
 public:
  explicit RawClient(boost::asio::ip::tcp::endpoint server);
  void send(const std::string& octets);
  std::string read_to_end();              // until the server closes
  Answer read_answer(bool head = false);  // the next response; what follows stays

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

struct ServerSetup {
  HttpLimits limits;
  std::function<bool(const boost::asio::ip::address&)> trusted;
  storage::MemoryStoreOptions store;
  BulkLimits bulk;
  std::string body_directory = {};  // where bodies that find no memory wait; empty: they are refused
  net::TlsContext tls;
  std::vector<UpstreamConfig> upstreams = two_upstreams();
  UpstreamLimits upstream_limits;
  std::vector<LaneRule> lanes = {};
  std::vector<std::string> cors_origins = {};
  std::vector<std::pair<storage::ApiKeyRecord, std::string>> keys = {};  // beside the tenant's; each with its token
};

// A key of the tenant "shop" that may send, read and steer.
storage::ApiKeyRecord shop_key(const std::string& name = "shop");

class ApiServer {
 public:
  explicit ApiServer(ServerSetup setup = {});
  ~ApiServer();

  boost::asio::ip::tcp::endpoint endpoint() const { return listener_->endpoint(); }
  storage::MemoryStore& store() { return *store_; }
  Readiness& readiness() { return readiness_; }
  Router& router() { return router_; }  // add routes before the first request
  BodyRoom& body_room() { return body_room_; }
  net::Loop& loop() { return loop_; }
  KeyRing& keys() { return keys_; }  // on the loop
  void close() { begin_close().wait(); }
  std::future<void> begin_close();

  // With the operator's key. A body is sent as application/json.
  Answer call(const std::string& method, const std::string& target, const std::string& body = {});
  // The same with the key of the tenant "shop".
  Answer call_as_tenant(const std::string& method, const std::string& target, const std::string& body = {});
  Answer call_with(const std::string& token, const std::string& method, const std::string& target,
                   const std::string& body = {});
  // As written: headers end with CRLF each.
  Answer call_raw(const std::string& method, const std::string& target, const std::string& headers,
                  const std::string& body = {});

  // A message with `body` that is not stored yet.
  storage::NewMessage make(const std::string& sender, const std::vector<std::string>& recipients,
                           const std::string& body = "Subject: hi\r\n\r\nhello\r\n");
  MessageId accept(storage::NewMessage message);
  // Stores a message with `body` and tells its id.
  MessageId accept_for(const std::string& tenant, const std::string& sender, const std::vector<std::string>& recipients,
                       const std::string& body = "Subject: hi\r\n\r\nhello\r\n");
  MessageId accept(const std::string& sender, const std::vector<std::string>& recipients,
                   const std::string& body = "Subject: hi\r\n\r\nhello\r\n") {
    return accept_for({}, sender, recipients, body);
  }
  // Removes every body that may go.
  void retire_everything();
  storage::UserRecord user(const std::string& name);
  void add_user(storage::UserRecord user);
  void tell_of_upstream(Event event);  // as the keeper of upstreams does
  Upstreams& upstreams() { return upstreams_; }
  MetricsRegistry& metrics() { return metrics_; }  // add before the first request
  RetentionRules& rules() { return rules_; }       // change before the first request

 private:
  void load_keys();

  net::Loop loop_;
  net::TaskGroup tasks_;
  NullLog log_;
  MetricsRegistry metrics_;
  std::unique_ptr<storage::MemoryStore> store_;
  Upstreams upstreams_;
  Readiness readiness_;
  KeyRing keys_;
  Sessions sessions_;
  LoginGuard guard_;
  Authenticator authenticator_;
  Cors cors_;
  HttpLimits limits_;
  Router router_;
  HealthApi health_;
  MessagesApi messages_;
  BodyApi bodies_;
  BulkApi bulk_;
  EventsApi events_;
  RetentionRules rules_;
  RetentionBook book_;
  RetentionApi retention_;
  StatsApi stats_;
  UsersApi users_;
  KeysApi keys_api_;
  TokensApi tokens_;
  UpstreamsApi upstreams_api_;
  BodyRoom body_room_;
  std::unique_ptr<HttpServer> server_;
  net::TlsContext tls_;
  std::unique_ptr<net::Listener> listener_;
  std::thread thread_;
  MessageIdSource ids_{1};
};

}  // namespace postrider::mgmt::test
