#include "mgmt/reason_text.h"

#include <algorithm>
#include <cctype>

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

// Whether the text has the word already, as a server's reply has its codes.
bool text_says(std::string_view text, std::string_view word) {
  const auto is_of_word = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '.');
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
    if ((at == 0 || !is_of_word(at - 1)) && !is_of_word(at + word.size())) return true;
  return false;
}

void append_words(std::string& text, std::string_view glue, std::string_view more) {
  if (more.empty()) return;
  if (!text.empty()) text += glue;
  text += more;
}

}  // namespace

std::string reason_sentence(const Reason& reason) {
  std::string sentence(what(reason.cause));
  std::string_view text = reason.text;
  // What the text begins with itself: "gave up after 4 tries: connection refused", "Postrider stopped while ...".
  if (text.starts_with("gave up after ")) {
    const std::size_t end = std::min(text.find(": "), text.size());
    sentence = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
  } else if (reason.cause == Cause::interrupted && text.starts_with("Postrider stopped ")) {
    sentence.clear();
  }
  const std::string_view stage = where(reason.stage);
  if (!sentence.empty() && !stage.empty()) sentence.append(" at ").append(stage);
  const std::string code = std::to_string(reason.code);
  std::string said;
  if (reason.code != 0 && !text_says(text, code)) said = code;
  if (!text_says(text, reason.enhanced)) append_words(said, " ", reason.enhanced);
  append_words(said, " ", text);
  append_words(sentence, ": ", said);
  return sentence;
}

std::string_view removed_body_sentence(const std::vector<Event>& history) {
  const bool later = std::any_of(history.begin(), history.end(),
                                 [](const Event& event) { return event.type == EventType::body_removed; });
  return later ? "the body was removed by retention"
               : "the body was removed as soon as no recipient needed it any more";
}

}  // namespace postrider::mgmt
