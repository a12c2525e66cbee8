// The management API with some of the dialects, over a memory store. What is sent stays queued: there is no dispatcher.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <initializer_list>
#include <memory>
#include <string>

#include "mgmt/dialects/dialect.h"
#include "mgmt/sending_limits.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {

class DialectServer {
 public:
  using Add = void (*)(Router&, const DialectParts&);

  explicit DialectServer(std::initializer_list<Add> dialects, ServerSetup setup = {}) : api(std::move(setup)) {
    for (const Add add : dialects) add(api.router(), parts_);
  }
  ~DialectServer() { api.close(); }  // no request is left to use what goes now

  Answer post(const std::string& path, const std::string& body) { return api.call("POST", path, body); }
  // With the operator's key and further header lines, each with its CRLF.
  Answer post_with(const std::string& path, const std::string& headers, const std::string& body) {
    return api.call_raw(
        "POST", path,
        std::string("Authorization: Bearer ") + kToken + "\r\nContent-Type: application/json\r\n" + headers, body);
  }
  // The octets as they will be sent.
  std::string sent_octets(const std::string& id) { return api.call("GET", "/v1/messages/" + id + "/body").body; }
  boost::json::object message(const std::string& id) { return api.call("GET", "/v1/messages/" + id).json(); }
  boost::json::array messages() { return api.call("GET", "/v1/messages").json().at("messages").as_array(); }
  // How many messages there are.
  std::size_t count() { return messages().size(); }

 private:
  Budget memory_{64u << 20};  // outlives the store
  NullLog log_;

 public:
  ApiServer api;

 private:
  static std::shared_ptr<const relay::SubmissionOptions> options() {
    relay::SubmissionOptions options;
    options.hostname = "relay.test";
    return std::make_shared<const relay::SubmissionOptions>(std::move(options));
  }

  std::unique_ptr<relay::Submission> submission_ =
      relay::make_submission({api.loop(), api.loop().clock(), api.store(), nullptr, memory_, log_}, options());
  SendingLimits limits_{api.loop().clock(), api.keys()};
  SendDoor door_{{api.loop(), api.loop().clock(), *submission_, limits_, "relay.test", api.store(), log_}};
  DialectParts parts_{api.loop(), api.loop().clock(), api.store(), door_};
};

inline constexpr const char* kNarrowToken = "pr_narrownarrownarrownarrownarrownarrownarrowna";

// With a key of one recipient a minute that is bound to senders.
inline ServerSetup narrow_key() {
  ServerSetup setup;
  storage::ApiKeyRecord key = shop_key("narrow");
  key.senders = {"*@example.test"};
  key.per_minute = 1;
  setup.keys.emplace_back(std::move(key), kNarrowToken);
  return setup;
}

// With a spool that takes nothing.
inline ServerSetup full_spool() {
  ServerSetup setup;
  setup.store.high_water_bytes = 1;
  return setup;
}

inline std::string text_at(const boost::json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

}  // namespace postrider::mgmt::test
