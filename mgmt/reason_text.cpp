#include "mgmt/reason_text.h"

namespace postrider::mgmt {

namespace {

std::string_view what(Cause cause) {
  switch (cause) {
    case Cause::none:
      return "";
    case Cause::recipient:
      return "recipient refused";
    case Cause::content:
      return "message refused";
    case Cause::route:
      return "upstream trouble";
    case Cause::throttle:
      return "upstream asks to wait";
    case Cause::capability:
      return "upstream cannot take this message";
    case Cause::uncertain:
      return "handed over, but the answer was lost";
    case Cause::interrupted:
      return "Postrider stopped during the hand-over";
    case Cause::policy:
      return "by policy";
    case Cause::spool:
      return "the spool could not give the body";
    case Cause::retries:
      return "retries used up";
    case Cause::age:
      return "too old";
    case Cause::operator_:
      return "by request";
  }
  return "";
}

std::string_view where(Stage stage) {
  switch (stage) {
    case Stage::none:
      return "";
    case Stage::route:
      return "choosing an upstream";
    case Stage::resolve:
      return "name look-up";
    case Stage::connect:
      return "connect";
    case Stage::greeting:
      return "greeting";
    case Stage::tls:
      return "TLS";
    case Stage::hello:
      return "EHLO";
    case Stage::auth:
      return "login";
    case Stage::mail:
      return "MAIL FROM";
    case Stage::rcpt:
      return "RCPT TO";
    case Stage::data:
      return "DATA";
    case Stage::body:
      return "sending the body";
    case Stage::final_dot:
      return "final reply";
    case Stage::local:
      return "";
  }
  return "";
}

}  // namespace

std::string reason_sentence(const Reason& reason) {
  std::string sentence(what(reason.cause));
  const std::string_view stage = where(reason.stage);
  if (!sentence.empty() && !stage.empty()) sentence.append(" at ").append(stage);
  std::string said;
  if (reason.code != 0) said += std::to_string(reason.code);
  for (const std::string& part : {reason.enhanced, reason.text}) {
    if (part.empty()) continue;
    if (!said.empty()) said += ' ';
    said += part;
  }
  if (said.empty()) return sentence;
  return sentence.empty() ? said : sentence + ": " + said;
}

}  // namespace postrider::mgmt
