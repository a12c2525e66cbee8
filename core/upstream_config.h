// One [[upstream]] entry, checked: what a transport needs to know. Secrets are resolved (file and environment read).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/time.h"

namespace postrider {

enum class UpstreamType : std::uint8_t { smtp, mailgun, sendgrid, mailjet, ses, postmark, resend, capture };
enum class UpstreamTls : std::uint8_t {
  none,
  opportunistic,
  starttls,
  implicit
};  // the last two verify the certificate
enum class UpstreamAuth : std::uint8_t { automatic, plain, login, cram_md5, xoauth2 };

std::string_view to_string(UpstreamType);
bool is_http(UpstreamType);   // a provider's API
bool is_lossy(UpstreamType);  // rebuilds the message from its parts: MIME structure and signatures are lost
std::string_view to_string(UpstreamTls);

struct Rate {
  std::uint32_t count = 0;  // 0: no limit
  Duration per = std::chrono::seconds(1);
  bool operator==(const Rate&) const = default;
};

// Which messages an upstream takes: every key that is given must fit, and within a key any of its values. Empty: all mail.
struct UpstreamMatch {
  std::vector<std::string> sender_domain;     // lower case, ASCII; ".example.com": its subdomains too
  std::vector<std::string> recipient_domain;  // the same
  std::vector<std::string> lane;              // "high", "normal", "low"
  std::vector<std::string> tag;
  std::vector<std::string> credential;  // tenant; "" stands for clients of a trusted network
  bool empty() const;
  bool operator==(const UpstreamMatch&) const = default;
};

// So that a system that is not the production one cannot mail the world. A recipient that `allow_recipients` does not name goes to
// `redirect_to` instead, or into the Maildir `capture`; without either it is refused. Without `allow_recipients` none is allowed.
struct RecipientGuard {
  std::vector<std::string> allow_recipients;  // "user@example.com", "@example.com", "*@example.com"
  std::string redirect_to;
  std::string capture;  // a directory (upstream), or anything (credential)
  bool empty() const { return allow_recipients.empty() && redirect_to.empty() && capture.empty(); }
  bool allows(const Address& recipient) const;
  bool operator==(const RecipientGuard&) const = default;
};

struct UpstreamConfig {
  std::string name;
  UpstreamType type = UpstreamType::capture;
  std::uint32_t priority = 1;  // lower is preferred
  std::uint32_t weight = 1;
  UpstreamMatch match;
  RecipientGuard guard;

  // smtp
  std::vector<std::string> hosts;
  std::uint16_t port = 587;
  UpstreamTls tls = UpstreamTls::starttls;
  std::string tls_ca_file;  // empty: the system's store
  UpstreamAuth auth = UpstreamAuth::automatic;
  std::string username;
  std::string password;
  std::string token_file;  // xoauth2: read anew for each login
  std::string helo;        // default: server.hostname
  bool pipelining = true;  // use it when announced

  bool srv = false;  // `hosts` are domains: ask for _submission(s)._tcp SRV records (RFC 6186, 8314)
  std::string tls_certificate, tls_key;  // client certificate; both or neither

  // capture
  std::string directory;

  // HTTP providers; which of them a type has is said in core/config_options.cpp
  std::string
      api_base;  // empty: the provider's own; "http://127.0.0.1:9999" in tests, "https://api.eu.mailgun.net" for a region
  std::string api_key, api_secret;
  std::string domain;                            // mailgun: the sending domain
  std::string region, access_key, secret_key;    // ses
  std::string session_token, configuration_set;  // ses; empty: none
  std::string server_token, message_stream;      // postmark
  bool sandbox = false;                          // the provider checks and does not deliver, where it has such a mode

  // What the provider's event callbacks are verified with; empty: none is believed.
  std::string webhook_key, webhook_public_key, webhook_username, webhook_password, webhook_secret;
  std::vector<std::string> topic_arns;

  Rate rate;                            // recipients handed over, over all threads
  std::uint64_t daily_quota = 0;        // recipients, counted durably; 0: no limit
  std::uint64_t monthly_quota = 0;      // the same by calendar month
  std::string quota_time_zone = "UTC";  // IANA name: its midnight resets the quota
  Duration
      spill_after{};  // how long mail waits for rate, connections or a short pause before it may go to the next upstream; 0: it waits on for rate and connections, and goes at once for a pause
  std::uint32_t max_connections = 20;
  std::uint32_t messages_per_connection = 100;
  Duration connect_timeout = std::chrono::seconds(15);
  Duration stage_timeout = std::chrono::seconds(60);  // each reply and write before the hand-over
  Duration final_timeout = std::chrono::minutes(10);  // after the dot, RFC 5321 4.5.3.2.6
  Duration idle_timeout = std::chrono::seconds(10);   // an unused connection is closed with QUIT after this
};

}  // namespace postrider
