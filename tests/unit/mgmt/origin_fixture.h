// The management API with the dialects of the five services that Postrider takes over from, over a memory store. What is sent stays
// queued: there is no dispatcher.
#pragma once

#include <boost/json/parse.hpp>
#include <memory>
#include <string>

#include "mgmt/dialects/dialect.h"
#include "mgmt/sending_limits.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {

class OriginServer {
 public:
  OriginServer() {
    add_babygun(api.router(), parts_);
    add_limbo(api.router(), parts_);
    add_mailer(api.router(), parts_);
    add_woowup(api.router(), parts_);
  }
  ~OriginServer() { api.close(); }  // no request is left to use what goes now

  Answer post(const std::string& path, const std::string& body) { return api.call("POST", path, body); }
  // The octets as they will be sent.
  std::string sent_octets(const std::string& id) { return api.call("GET", "/v1/messages/" + id + "/body").body; }
  boost::json::object message(const std::string& id) { return api.call("GET", "/v1/messages/" + id).json(); }
  // How many messages there are.
  std::size_t count() { return api.call("GET", "/v1/messages").json().at("messages").as_array().size(); }

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
  SendDoor door_{{api.loop(), api.loop().clock(), *submission_, limits_, "relay.test", api.store()}};
  DialectParts parts_{api.loop(), api.loop().clock(), api.store(), door_};
};

inline std::string text_at(const boost::json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

}  // namespace postrider::mgmt::test
