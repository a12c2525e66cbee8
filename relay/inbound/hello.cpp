// EHLO and HELO (RFC 5321 4.1.1.1). Both end a transaction under way (4.1.4).
#include <algorithm>

#include "relay/inbound/commands.h"

namespace postrider::relay {
namespace {

// RFC 9422: only what is enforced is announced, in at most six digits. A client that keeps to less is welcome.
std::string limits_line(const SessionLimits& limits) {
  const auto digits = [](std::size_t limit) { return std::to_string(std::min<std::size_t>(limit, 999'999)); };
  std::string line = "LIMITS RCPTMAX=" + digits(limits.max_recipients);
  if (limits.max_transactions != 0) line += " MAILMAX=" + digits(limits.max_transactions);
  return line;
}

// RFC 4865 3.: the longest interval in seconds, and the latest time, which moves on with the clock.
std::string future_release_line(Duration max_hold, Time now) {
  constexpr std::chrono::seconds kLongest(999'999'999);
  const auto longest = std::min(std::chrono::floor<std::chrono::seconds>(max_hold), kLongest);
  constexpr std::size_t kToTheSecond = std::string_view("2026-01-31T08:15:00").size();
  return "FUTURERELEASE " + std::to_string(longest.count()) + " " +
         format_rfc3339(now + longest).substr(0, kToTheSecond) + "Z";
}

std::optional<Reply> meet(SessionContext& session, std::string_view argument) {
  auto name = smtp::parse_hello(argument);
  if (!name.has_value()) return name.error();
  session.transaction.reset();
  session.helo = *name;
  return std::nullopt;
}

}  // namespace

Reply handle_ehlo(SessionContext& session, std::string_view argument) {
  if (auto refused = meet(session, argument)) return *refused;
  session.extended = true;
  const SessionLimits& limits = session.options->limits;
  Reply reply(250, "", session.options->hostname);
  auto offer = [&reply](std::string line) { reply.lines.push_back(std::move(line)); };
  reply.lines.reserve(13);
  offer("PIPELINING");
  offer("SIZE " + std::to_string(limits.max_message_size));
  offer("8BITMIME");
  offer("SMTPUTF8");
  offer("ENHANCEDSTATUSCODES");
  offer("CHUNKING");
  offer("DSN");
  offer("MT-PRIORITY MIXER");  // RFC 6710 3.: the name of the priority assignment policy
  const Duration max_hold = session.parts.submission.max_hold();
  if (max_hold >= std::chrono::seconds(1)) offer(future_release_line(max_hold, session.parts.clock.now()));
  offer(limits_line(limits));
  if (session.tls_offered()) offer("STARTTLS");
  if (session.auth_offered()) offer("AUTH PLAIN LOGIN SCRAM-SHA-256");
  return reply;
}

Reply handle_helo(SessionContext& session, std::string_view argument) {
  if (auto refused = meet(session, argument)) return *refused;
  session.extended = false;
  return Reply(250, "", session.options->hostname);
}

}  // namespace postrider::relay
