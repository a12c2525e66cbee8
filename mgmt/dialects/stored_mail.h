// What a stored message says to its reader: names, subject and text, taken out of its body in the spool, or out of the header alone once
// the body was removed. For dialects that show a message again; what cannot be read comes with the reason, never as an error.
// Reads through the store only, in short reads; mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "core/budget.h"
#include "core/done.h"
#include "core/message.h"
#include "core/result.h"
#include "providers/mime_view.h"
#include "storage/store.h"

namespace postrider::mgmt {

// A larger body is not read: the API gives it as a stream (mgmt/body_api.h), which costs no memory.
inline constexpr std::uint64_t kMaxStoredMail = 10ull << 20;

struct StoredMail {
  providers::MimeView view;  // without texts and attachments when only the header could be read
  std::optional<std::string>
      text;  // plain text; else the source, where that is all there is to see. LF, without the last
  std::optional<std::string> html;
  std::string note;  // a sentence when something is missing or not as it was written; empty: nothing

  // What a reader sees first: the text, else the HTML, else nothing.
  const std::optional<std::string>& shown() const { return text ? text : html; }
};

// `memory`: of all that is read at a time. Faults: unavailable (no room in it), and what Store::read_body has but not_found: a body
// that goes in between is a removed one. `why_removed` lives for ever: the note of a removed one.
boost::asio::awaitable<result<StoredMail>> read_stored_mail(Mailbox& home, storage::Store& store, Budget& memory,
                                                            const MessageRecord& message, std::string_view why_removed);

// The same of octets that are there already; pure.
StoredMail view_stored_mail(std::string_view octets);
// Of a header, with or without the empty line behind it; pure.
StoredMail view_kept_header(std::string_view header);

}  // namespace postrider::mgmt
