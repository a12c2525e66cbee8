// The fields of Mailgun's POST /v3/{domain}/messages and /messages.mime as letters: one, or with recipient variables one for each
// recipient. What Postrider cannot do (templates, tracking, signing) is a fault at its field. docs/dialects/mailgun.md. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mgmt/form_data.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

enum class MailgunForm : std::uint8_t { fields, mime };

struct MailgunCall {
  std::vector<Letter> letters;
  Faults faults;  // of reading it: then the letters are there to be checked only
};

// `message_id`: with angle brackets; of all letters, unless the fields have one. A message given as MIME keeps its own or is given one.
// The refusal: of a call that is too large, all its messages together.
std::variant<MailgunCall, Refusal> read_mailgun_form(std::vector<FormPart> parts, MailgunForm form,
                                                     std::string_view message_id);

// ---- between its files ----

// What the fields say, before the letters are made of it.
struct MailgunFields {
  Letter letter;
  std::string recipient_variables;  // JSON; empty: none
};

// "o:tag" and the like, without their values: what o: fields and X-Mailgun-* header fields ask for.
class MailgunOptions {
 public:
  MailgunOptions(Letter& letter, Faults& faults) : letter_(letter), faults_(faults) {}

  // "tag", "deliverytime": `at` is where it stands in the request.
  void take(std::string_view option, std::string_view value, const std::string& at);
  // X-Mailgun-Tag and the like; false: it is another field.
  bool take_header(std::string_view name, const std::string& value, const std::string& at);
  void variable(std::string name, std::string value);            // v:name
  void variables(std::string_view json, const std::string& at);  // a map of them

 private:
  void add_tag(std::string_view value, const std::string& at);
  void set_time(std::string_view value, const std::string& at);

  Letter& letter_;
  Faults& faults_;
};

// One letter for each recipient in `to`, with its variables in subject, texts, header fields and variables. `faults`: of reading them.
std::variant<MailgunCall, Refusal> expand_recipients(MailgunFields fields, Faults faults);

}  // namespace postrider::mgmt
