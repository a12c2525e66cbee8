// What the requests of the lossy vendors (sendgrid, mailjet, postmark, resend) share: a message taken apart, its recipients as the
// reader will see them, and the rules by which something is left out. Each vendor's file then writes its own JSON. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "providers/mime_view.h"
#include "providers/provider.h"

namespace postrider::providers {

// What a vendor's API can express.
struct JsonRules {
  std::string_view vendor;
  // Recipients that the header does not name, each as the only one that its reader sees, in one call; without it that takes a call
  // for each (FaultKind::conflict).
  bool separate_letters = false;
  bool other_alternatives = false;  // texts besides text/plain and text/html
  // Fields that it writes itself or refuses: lower case, a '*' at the end stands for any rest. kNeverSent is left out in any case.
  std::span<const std::string_view> left_out;
};

struct JsonMail {
  std::string id;  // ours
  Mailbox from;
  std::vector<Mailbox> reply_to;
  std::string subject;
  // `to` is empty only with separate_letters: then `bcc` are letters of their own.
  std::vector<Mailbox> to, cc, bcc;
  std::string plain, html;       // at least one is not empty
  std::vector<TextPart> others;  // with other_alternatives
  std::vector<Attachment> attachments;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Faults as Provider::build.
result<JsonMail> take_apart(const Mail& mail, const JsonRules& rules);

// For APIs whose fields are an object: of fields with the same name the first is kept, but those that are lists (List-*, Keywords,
// Comments) are joined.
boost::json::object header_object(const JsonMail& mail);

std::string file_name(const Attachment& attachment);  // a made-up one for those without
bool has_specials(std::string_view name);             // RFC 5322 3.2.3: a display name with them must be quoted
// "Name <user@example.com>" as header fields write it (RFC 5322 3.4, RFC 2047), and several of them.
std::string mailbox_text(const Mailbox& mailbox);
std::string mailboxes_text(const std::vector<Mailbox>& mailboxes);
std::string encoded_word(std::string_view text);  // RFC 2047, always encoded; several where one would be too long

inline constexpr std::string_view kNoSubject = "(no subject)";  // where an API insists on one

}  // namespace postrider::providers
