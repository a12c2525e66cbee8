// From the configuration to the structs of the components.
#include "cmd/settings.h"

#include <gtest/gtest.h>

namespace postrider::cmd {
namespace {

Config parsed(const std::string& text) {
  ConfigSources sources;
  sources.file_text = text;
  ConfigResult result = parse_config(sources);
  for (const ConfigFinding& fault : result.faults) ADD_FAILURE() << fault.str();
  return std::move(result.config);
}

TEST(Settings, OneThreadLessThanCoresButOne) {
  Config config;
  EXPECT_EQ(relay_threads(config, 0), 1u);
  EXPECT_EQ(relay_threads(config, 1), 1u);
  EXPECT_EQ(relay_threads(config, 2), 1u);
  EXPECT_EQ(relay_threads(config, 8), 7u);
  config.server.threads = 3;
  EXPECT_EQ(relay_threads(config, 8), 3u);
}

TEST(Settings, DefaultsAreThoseOfTheComponents) {
  const Config config = parsed("");
  const relay::SessionLimits limits = session_limits(config), own;
  EXPECT_EQ(limits.max_message_size, own.max_message_size);
  EXPECT_EQ(limits.max_recipients, own.max_recipients);
  EXPECT_EQ(limits.max_command_line, own.max_command_line);
  EXPECT_EQ(limits.idle_timeout, own.idle_timeout);
  EXPECT_EQ(limits.transaction_timeout, own.transaction_timeout);
  EXPECT_EQ(limits.bare_newline, own.bare_newline);
  const RetryPolicy retry = dispatch_options(config, 0, 1).retry, own_retry;
  EXPECT_EQ(retry.retries, own_retry.retries);
  EXPECT_EQ(retry.retry_interval, own_retry.retry_interval);
  EXPECT_EQ(retry.max_age, own_retry.max_age);
  const storage::RetirePolicy retire = retire_policy(config), own_retire;
  EXPECT_EQ(retire.history, own_retire.history);
  EXPECT_EQ(retire.history_max_bytes, own_retire.history_max_bytes);
  EXPECT_EQ(retire.failed_bodies, own_retire.failed_bodies);
}

TEST(Settings, HistoryLeavesHalfOfTheSpoolToLiveMail) {
  constexpr std::uint64_t kMiB = 1u << 20;
  const auto limit = [](const std::string& text) { return retire_policy(parsed(text)).history_max_bytes; };
  EXPECT_EQ(limit("[retention]\nhistory_max_size = \"3GiB\"\n"), 3072 * kMiB);
  const std::string small = "[smtp]\nmax_message_size = \"1MiB\"\n[spool]\nreserve = \"4MiB\"\nmax_size = \"100MiB\"\n";
  EXPECT_EQ(limit(small), 45 * kMiB);
  EXPECT_EQ(limit(small + "high_water = 50\n"), 25 * kMiB);
  EXPECT_EQ(limit(small + "[retention]\nhistory_max_size = \"10MiB\"\n"), 10 * kMiB);
  EXPECT_EQ(limit(small + "[retention]\nhistory_max_size = \"90MiB\"\n"), 45 * kMiB);
}

TEST(Settings, WhatIsConfiguredArrives) {
  const Config config = parsed(R"(
[server]
hostname = "relay.example.com"
data_dir = "/srv/postrider"
[[smtp.listener]]
address = "127.0.0.1:0"
tls = "implicit"
require_auth = true
proxy_protocol_from = ["10.0.0.1/32"]
[smtp]
max_message_size = "1MiB"
bare_lf = "normalise"
[addresses]
origin = "example.com"
aliases = { root = "ops@example.com" }
[delivery]
retries = 7
on_uncertain = "hold"
open_after = 9
[retention]
sent_bodies = "1h"
)");
  EXPECT_EQ(hostname_of(config), "relay.example.com");
  EXPECT_EQ(spool_options(config).data_dir, "/srv/postrider");
  EXPECT_EQ(session_limits(config).max_message_size, 1u << 20);
  EXPECT_EQ(session_limits(config).bare_newline, relay::BareNewline::normalise);
  const relay::ListenerPolicy listener = listener_policy(config.smtp_listeners.at(0));
  EXPECT_EQ(listener.tls, ListenerTls::implicit);
  EXPECT_TRUE(listener.require_auth);
  EXPECT_EQ(listener.proxy_protocol_from.size(), 1u);
  const relay::SubmissionOptions submission = submission_options(config, "relay.example.com");
  EXPECT_EQ(submission.addresses.origin, "example.com");
  EXPECT_EQ(submission.addresses.aliases.size(), 1u);
  EXPECT_EQ(submission.max_message_size, 1u << 20);
  const relay::DispatchOptions dispatch = dispatch_options(config, 1, 2);
  EXPECT_EQ(dispatch.retry.retries, 7u);
  EXPECT_EQ(dispatch.retry.on_uncertain, OnUncertain::hold);
  EXPECT_FALSE(dispatch.remove_sent_body);
  EXPECT_EQ(dispatch.shard, 1u);
  EXPECT_EQ(health_policy(config).open_after, 9u);
}

TEST(Settings, HttpTakesTheLargestMessageInBase64) {
  for (const char* size : {"1MiB", "25MiB", "2GiB"}) {
    const Config config =
        parsed("[smtp]\nmax_message_size = \"" + std::string(size) + "\"\n[spool]\nmax_size = \"1TiB\"\n");
    const mgmt::HttpLimits limits = http_limits(config);
    const std::uint64_t lines = config.smtp.max_message_size / 57 + 1;  // of 76 characters and CRLF
    EXPECT_GE(limits.max_message_body, lines * 78 + 100'000) << size;
    EXPECT_GE(limits.body_memory, 2 * limits.max_message_body) << size;
  }
}

TEST(Settings, TheApiIsKnownByHostnameAndPublicUrl) {
  const std::string named = "[server]\nhostname = \"relay.example.com\"\n";
  EXPECT_EQ(own_hosts(parsed(named)), std::vector<std::string>{"relay.example.com"});
  EXPECT_EQ(own_hosts(parsed(named + "[mgmt]\npublic_url = \"https://mail.example.com:8443/api\"\n")),
            (std::vector<std::string>{"relay.example.com", "mail.example.com"}));
}

TEST(Settings, OriginIsTheHostnameWhenNotGiven) {
  EXPECT_EQ(submission_options(parsed(""), "relay.example.com").addresses.origin, "relay.example.com");
}

TEST(Settings, CapturesHaveDirectoriesOfTheirOwn) {
  const Config config = parsed(R"(
[server]
data_dir = "/srv/postrider"
[[upstream]]
name = "one"
type = "capture"
[[upstream]]
name = "two"
type = "capture"
[[upstream]]
name = "three"
type = "capture"
directory = "/srv/mail"
)");
  const auto made = upstreams(config, "relay.example.com");
  ASSERT_EQ(made.size(), 3u);
  EXPECT_EQ(made[0].directory, "/srv/postrider/capture");
  EXPECT_EQ(made[1].directory, "/srv/postrider/capture/two");
  EXPECT_EQ(made[2].directory, "/srv/mail");
  EXPECT_EQ(made[0].helo, "relay.example.com");
}

}  // namespace
}  // namespace postrider::cmd
