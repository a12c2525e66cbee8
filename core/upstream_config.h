// One [[upstream]] entry, checked: what a transport needs to know. Secrets are resolved (file and environment read).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
std::string_view to_string(UpstreamTls);

struct Rate {
  std::uint32_t count = 0;  // 0: no limit
  Duration per = std::chrono::seconds(1);
  bool operator==(const Rate&) const = default;
};

struct UpstreamConfig {
  std::string name;
  UpstreamType type = UpstreamType::capture;
  std::uint32_t priority = 1;  // lower is preferred
  std::uint32_t weight = 1;

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

  // capture
  std::string directory;

  Rate rate;                      // messages handed over, over all threads
  std::uint64_t daily_quota = 0;  // 0: no limit
  std::uint32_t max_connections = 20;
  std::uint32_t messages_per_connection = 100;
  Duration connect_timeout = std::chrono::seconds(15);
  Duration stage_timeout = std::chrono::seconds(60);  // each reply and write before the hand-over
  Duration final_timeout = std::chrono::minutes(10);  // after the dot, RFC 5321 4.5.3.2.6
  Duration idle_timeout = std::chrono::seconds(10);   // an unused connection is closed with QUIT after this
};

}  // namespace postrider
