#include "core/outcome.h"

#include <algorithm>

#include "core/utf8.h"

namespace postrider {

std::string_view to_string(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::sent:
      return "sent";
    case OutcomeKind::deferred:
      return "deferred";
    case OutcomeKind::bounced:
      return "bounced";
    case OutcomeKind::uncertain:
      return "uncertain";
  }
  return "unknown";
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::none:
      return "none";
    case Stage::route:
      return "route";
    case Stage::resolve:
      return "resolve";
    case Stage::connect:
      return "connect";
    case Stage::greeting:
      return "greeting";
    case Stage::tls:
      return "tls";
    case Stage::hello:
      return "hello";
    case Stage::auth:
      return "auth";
    case Stage::mail:
      return "mail";
    case Stage::rcpt:
      return "rcpt";
    case Stage::data:
      return "data";
    case Stage::body:
      return "body";
    case Stage::final_dot:
      return "final_dot";
    case Stage::local:
      return "local";
  }
  return "unknown";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::none:
      return "none";
    case Cause::recipient:
      return "recipient";
    case Cause::content:
      return "content";
    case Cause::route:
      return "route";
    case Cause::throttle:
      return "throttle";
    case Cause::capability:
      return "capability";
    case Cause::uncertain:
      return "uncertain";
    case Cause::interrupted:
      return "interrupted";
    case Cause::policy:
      return "policy";
    case Cause::spool:
      return "spool";
    case Cause::retries:
      return "retries";
    case Cause::age:
      return "age";
    case Cause::operator_:
      return "operator";
  }
  return "unknown";
}

std::string sanitize_reason_text(std::string_view text) {
  std::string out;
  out.reserve(std::min(text.size(), kMaxReasonText));
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    std::string_view piece = text.substr(0, length);
    if (length == 0) piece = "?";
    if (length == 1 && (first < 0x20 || first == 0x7f)) piece = " ";
    // C1 controls (U+0080 to U+009F) steer terminals as well.
    if (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) piece = " ";
    if (out.size() + piece.size() > kMaxReasonText) break;
    out += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace postrider
