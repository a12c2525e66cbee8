// Letter: a message as an API asks for it, before it is MIME. Every door of HTTP (our own resource, the origin services, the
// vendors' dialects) fills one and gives it to the SendDoor; nothing else makes messages here. Plain values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/message.h"
#include "core/time.h"
#include "mgmt/json_fields.h"

namespace postrider::mgmt {

struct Party {
  std::string email;
  std::string name;  // UTF-8; empty: none
  std::string at;    // where it stands in the request, for faults: "/to/0"
};

struct LetterPart {    // an attachment, or an image of the HTML
  std::string octets;  // decoded
  std::string filename;
  std::string content_type;  // with parameters if the client gave some; empty: application/octet-stream
  std::string content_id;    // without angle brackets
  bool is_inline = false;
  std::string at;
};

struct LetterText {  // a further alternative: text/calendar, text/x-amp-html
  std::string content_type;
  std::string text;
  std::string at;
};

// Where the request has the things that have no `at` of their own, as pointers from Letter::at on; for faults. The defaults are
// those of POST /v1/messages.
struct LetterPlaces {
  std::string from = "/from", to = "/to", cc = "/cc", bcc = "/bcc", reply_to = "/reply_to", subject = "/subject",
              text = "/text", html = "/html", attachments = "/attachments", headers = "/headers", tags = "/tags",
              metadata = "/metadata", send_at = "/send_at", expires_in = "/expires_in", retries = "/retries",
              retry_interval = "/retries/interval", raw = "/raw";
  // Of an attachment, from its place on. As they are: the attachment as a whole.
  std::string filename, content_type, content_id;
};

struct Letter {
  Party from;
  std::vector<Party> to, cc, bcc, reply_to;
  std::optional<Party> sender;  // Sender field (RFC 5322 3.6.2)
  std::string subject;          // UTF-8
  std::string text, html;       // UTF-8, any line ends; at least one unless there are attachments or alternatives
  std::vector<LetterText> alternatives;
  std::vector<LetterPart> attachments;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones; not those that are made from the above

  // RFC 5322 octets instead of all of the above but what is said here. Line ends are made CRLF. `from` and `to`, `cc`, `bcc` are then
  // the envelope only; `from` without an email: the first mailbox of the From field; no recipients at all: To, Cc and Bcc of the header.
  std::string raw;

  // The envelope, where it differs: the return path instead of from, these recipients instead of to, cc and bcc.
  std::optional<std::string> envelope_sender;
  std::vector<Party> envelope_recipients;

  std::optional<Lane> lane;
  Time send_at{};         // zero: now
  Duration expires_in{};  // zero: not said
  MessageRetry retry;
  std::vector<std::string> tags;
  Metadata metadata;
  Notify notify;              // of every recipient; not given: no bounces are written for messages from HTTP
  bool capture_only = false;  // a sandbox: accepted, never leaves, to be seen in the history

  std::string at;  // where the letter begins: "/messages/3"
  LetterPlaces places;
  std::vector<FieldFault> faults;  // of what could not be read of the request, and is missing here
};

// Adds all that is wrong with a letter: what its reader found, but not what only follows from that; addresses (RFC 5321, 6531), line
// breaks and NUL in what becomes a header field, invalid UTF-8, header names that are no tokens or not the client's to
// set, media types, bounds of tags, metadata and counts, nothing to send. `of_call`: what the reader found in the call that the letter
// is one of; neither that nor what follows from it is added.
void check_letter(const Letter& letter, Faults& faults, const Faults& of_call = {});
inline constexpr std::size_t kMaxLetterRecipients = 1000;
inline constexpr std::size_t kMaxLetterAttachments = 100;
inline constexpr std::size_t kMaxLetterHeaders = 100;

}  // namespace postrider::mgmt
