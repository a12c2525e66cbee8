// The management API with the routes that send, over a memory store. What is sent stays queued: there is no dispatcher.
#pragma once

#include <boost/json/array.hpp>
#include <memory>
#include <string>

#include "mgmt/batches_api.h"
#include "mgmt/schedule_api.h"
#include "mgmt/send_api.h"
#include "mgmt/validate_api.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {

inline relay::SubmissionOptions submission_options() {
  relay::SubmissionOptions options;
  options.hostname = "relay.test";
  return options;
}

class SendServer {
 public:
  explicit SendServer(ServerSetup setup = {}, const relay::SubmissionOptions& options = submission_options())
      : api(std::move(setup)),
        submission_(relay::make_submission({api.loop(), api.loop().clock(), api.store(), nullptr, memory_, log_},
                                           std::make_shared<const relay::SubmissionOptions>(options))),
        limits_(api.loop().clock(), api.keys()),
        door_({api.loop(), api.loop().clock(), *submission_, limits_, options.hostname, api.store(), log_}),
        send_(door_),
        batches_(api.loop(), api.store()),
        validate_({api.loop(), api.loop().clock(), door_, *submission_, api.upstreams().control(), api.store()}),
        schedule_(api.loop(), api.loop().clock(), api.store(), *submission_) {
    api.router().show_limits([this](const Principal& principal) { return limits_.headers(principal); });
    send_.add_routes(api.router());
    batches_.add_routes(api.router());
    validate_.add_routes(api.router());
    schedule_.add_routes(api.router());
  }
  ~SendServer() { api.close(); }  // no request is left to use what goes now

  Answer post(const std::string& path, const std::string& body) { return api.call("POST", path, body); }
  // With the operator's key and further header lines, each with its CRLF.
  Answer post_with(const std::string& path, const std::string& headers, const std::string& body) {
    return api.call_raw(
        "POST", path,
        std::string("Authorization: Bearer ") + kToken + "\r\nContent-Type: application/json\r\n" + headers, body);
  }
  Answer post_raw(const std::string& path, const std::string& octets) {
    return api.call_raw(
        "POST", path, std::string("Authorization: Bearer ") + kToken + "\r\nContent-Type: message/rfc822\r\n", octets);
  }
  boost::json::object message(const std::string& id) { return api.call("GET", "/v1/messages/" + id).json(); }
  std::string octets(const std::string& id) { return api.call("GET", "/v1/messages/" + id + "/body").body; }
  std::size_t count() { return api.call("GET", "/v1/messages?limit=1000").json().at("messages").as_array().size(); }

 private:
  Budget memory_{64u << 20};  // outlives the store
  NullLog log_;

 public:
  ApiServer api;

 private:
  std::unique_ptr<relay::Submission> submission_;
  SendingLimits limits_;
  SendDoor door_;
  SendApi send_;
  BatchesApi batches_;
  ValidateApi validate_;
  ScheduleApi schedule_;
};

inline std::string text_at(const boost::json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

// The pointers of a problem's errors, in their order.
inline std::vector<std::string> pointers_of(const Answer& answer) {
  std::vector<std::string> out;
  const boost::json::object problem = answer.json();
  const boost::json::value* errors = problem.if_contains("errors");
  if (errors)
    for (const auto& error : errors->as_array()) out.push_back(text_at(error.as_object(), "pointer"));
  return out;
}

}  // namespace postrider::mgmt::test
