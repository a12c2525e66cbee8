// The receiver of what providers report, on a memory store: messages that an upstream took, and callbacks of its provider.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "mgmt/hooks_api.h"
#include "tests/unit/mgmt/api_server.h"
#include "tests/unit/mgmt/fake_sender.h"

namespace postrider::mgmt::test {

inline UpstreamConfig reporting(const std::string& name, UpstreamType type) {
  UpstreamConfig config = upstream(name, 1, type);
  config.webhook_username = "hooks";
  config.webhook_password = "of-" + name;
  config.webhook_key = "signs-for-" + name;
  config.topic_arns = {"arn:aws:sns:eu-central-1:123456789012:mail"};
  return config;
}

class HooksServer {
 public:
  explicit HooksServer(HookLimits limits = {}, std::vector<UpstreamConfig> upstreams = all_types())
      : server(setup(std::move(upstreams))),
        api_({server.loop(), server.store(), server.upstreams().control(), http, server.metrics(), log_, true,
              [this] { ++notices_owed; }},
             std::move(limits)) {
    api_.add_routes(server.router());
  }
  ~HooksServer() { server.close(); }  // no request is left to use what goes now

  static std::vector<UpstreamConfig> all_types() {
    return {reporting("plain", UpstreamType::smtp),  reporting("post", UpstreamType::postmark),
            reporting("jet", UpstreamType::mailjet), reporting("jet2", UpstreamType::mailjet),
            reporting("gun", UpstreamType::mailgun), reporting("amazon", UpstreamType::ses)};
  }

  // A message to these that `upstream` has or is about to have.
  MessageId begin(const std::string& upstream, const std::vector<std::string>& recipients) {
    storage::NewMessage message = server.make("app@example.com", recipients);
    message.intent = storage::Intent{upstream};
    return server.accept(std::move(message));
  }
  void settle(const MessageId& id, const std::string& upstream, const std::string& provider_id,
              std::uint32_t recipients = 1) {
    storage::Settlement settlement;
    settlement.id = id;
    settlement.now = server.loop().clock().now();
    for (std::uint32_t i = 0; i < recipients; ++i) {
      storage::RecipientUpdate update;
      update.recipient = i;
      update.trigger = Trigger::hand_over;
      update.upstream = upstream;
      update.remote_id = provider_id;
      update.provider_id = true;
      settlement.updates.push_back(std::move(update));
    }
    std::promise<bool> settled;
    server.store().settle(std::move(settlement),
                          Done<storage::Settled>(server.loop(), [&](const result<storage::Settled>& done) {
                            settled.set_value(done.has_value());
                          }));
    ASSERT_TRUE(settled.get_future().get());
  }
  MessageId sent(const std::string& upstream, const std::string& provider_id) {
    const MessageId id = begin(upstream, {"user@example.net"});
    settle(id, upstream, provider_id);
    return id;
  }

  Answer report(const std::string& path, const std::string& body, const std::string& login = {}) {
    return server.call_raw("POST", path, fields(login), body);
  }
  // `login`: "user:password".
  static std::string fields(const std::string& login) {
    std::string text = "Content-Type: application/json\r\n";
    if (!login.empty()) text += "Authorization: " + basic(login) + "\r\n";
    return text;
  }
  static std::string basic(const std::string& login);

  boost::json::object message(const MessageId& id) { return server.call("GET", "/v1/messages/" + id.str()).json(); }
  std::string state(const MessageId& id) { return std::string(message(id).at("state").as_string()); }
  // The events of that type.
  std::vector<boost::json::object> events(const MessageId& id, std::string_view type);
  bool metrics_say(const std::string& line) {
    return server.call("GET", "/metrics").body.find(line + "\n") != std::string::npos;
  }

 private:
  static ServerSetup setup(std::vector<UpstreamConfig> upstreams) {
    ServerSetup setup;
    setup.upstreams = std::move(upstreams);
    return setup;
  }
  NullLog log_;

 public:
  FakeSender http;
  int notices_owed = 0;  // written on the server's thread before the answer that it belongs to
  ApiServer server;

 private:
  HooksApi api_;
};

inline std::string HooksServer::basic(const std::string& login) {
  const std::size_t colon = login.find(':');
  return providers::basic_login(login.substr(0, colon), login.substr(colon + 1));
}

inline std::vector<boost::json::object> HooksServer::events(const MessageId& id, std::string_view type) {
  std::vector<boost::json::object> found;
  const boost::json::object shown = message(id);
  for (const boost::json::value& event : shown.at("events").as_array())
    if (event.at("type").as_string() == type) found.push_back(event.as_object());
  return found;
}

}  // namespace postrider::mgmt::test
