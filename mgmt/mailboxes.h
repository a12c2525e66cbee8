// Mailboxes in the text form that most vendors' APIs take: "Name <user@example.com>", and several of them with commas between.
// Stricter than RFC 5322 3.4, and than GMime, which takes "a@x.test; b@y.test" for the first alone: a recipient that is not
// understood must be refused, never lost. Names in UTF-8 or as encoded words (RFC 2047). Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/letter.h"

namespace postrider::mgmt {

// At least one, each with `at` as its place. Nothing, and a fault there, when the text is no list of mailboxes, or has more of
// them than a letter. Whether the
// addresses are good is check_letter's to say.
std::vector<Party> read_mailboxes(std::string_view text, const std::string& at, Faults& faults);
// Exactly one.
std::optional<Party> read_mailbox(std::string_view text, const std::string& at, Faults& faults);

// A header's text with its encoded words in UTF-8.
std::string decoded_words(std::string_view text);

}  // namespace postrider::mgmt
