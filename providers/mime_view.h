// MimeView: a message taken apart with GMime into what JSON APIs ask for. Lossy by nature: what cannot be put together again without
// harm is refused with the reason, so that the message goes to an upstream that takes the octets. Pure; any thread. Never used on
// bytes that are only relayed.
//
// Lost without a word, because no reader sees it: the nesting of multiparts, the order of parts, parameters other than name and
// charset, Content-Description, -Language and -Location, prologue and epilogue. Lost and seen by some: format=flowed (its soft
// line breaks become hard ones), delsp, the place of a calendar among the alternatives with most vendors. docs/providers.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/message.h"
#include "core/result.h"

namespace postrider::providers {

struct Mailbox {
  std::string name;   // decoded, UTF-8; empty: none
  std::string email;  // addr-spec, domain in ASCII
};

struct Attachment {
  std::string filename;      // decoded; empty: none
  std::string content_type;  // "image/png", no parameters
  std::string content_id;    // without angle brackets; empty: none
  bool is_inline = false;    // shown by the HTML, or of a multipart/related, or said to be; always with a Content-ID
  std::string octets;        // decoded
};

struct TextPart {
  std::string content_type;  // "text/plain", "text/html", "text/calendar", ...
  std::string text;          // UTF-8, lines end in LF
  std::string method;        // of text/calendar (RFC 6047 2.4): "REQUEST"; empty: none
};

struct MimeView {
  std::vector<Mailbox> from;  // one, but for oddities
  std::vector<Mailbox> to, cc, reply_to;
  Mailbox sender;               // Sender field; empty email: none
  std::string subject;          // decoded, UTF-8, unfolded
  std::vector<TextPart> texts;  // at most one of each type; plain first, then html, then others
  std::vector<Attachment> attachments;
  // All other fields in their order, raw values unfolded (still RFC 2047 encoded): names as written. Not those of MIME itself.
  std::vector<std::pair<std::string, std::string>> headers;

  const TextPart* text(std::string_view content_type) const;  // null: none of that type
};

// Faults: `invalid` with the reason why these octets cannot be taken apart without harm: PGP/MIME, S/MIME, multipart/report, parts
// of a larger message, several text parts that are not alternatives, an unknown charset or encoding, images found by location.
result<MimeView> view_mime(std::string_view octets);

// How the recipients of one call stand in the header, for APIs that write To and Cc themselves. Those that are in neither go to
// bcc; `missing` are mailboxes of the header that this call does not serve: naming them would mail them again. No mailbox is in
// two of the lists, or twice in one.
struct HeaderRecipients {
  std::vector<Mailbox> to, cc, bcc;
  std::vector<Mailbox> missing;
};
HeaderRecipients split_by_header(const MimeView& view, const MessageRecord& message,
                                 std::span<const std::uint32_t> recipients);

}  // namespace postrider::providers
