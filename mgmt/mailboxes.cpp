#include "mgmt/mailboxes.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "providers/gmime.h"

namespace postrider::mgmt {

namespace {

// The end of the quoted string that begins at `at`, one past its last quote; npos when there is none (RFC 5322 3.2.4).
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return text.npos;
}

// The first of `wanted` outside quotes; size() when there is none, npos when a quote is never closed.
std::size_t find_unquoted(std::string_view text, char wanted) {
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == wanted) return i;
    i = text[i] == '"' ? end_of_quoted(text, i) : i + 1;
    if (i == text.npos) return text.npos;
  }
  return text.size();
}

std::string unquoted(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    text += quoted[i];
  }
  return text;
}

std::optional<std::string> read_name(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.front() == '"')
    return end_of_quoted(text, 0) == text.size() ? std::optional(decoded_words(unquoted(text))) : std::nullopt;
  if (text.find_first_of("\"<>@") != text.npos) return std::nullopt;
  return decoded_words(text);
}

// Line breaks and the like, which an encoded word may hold as well: never of use, and a header field of somebody's own making.
bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// "user@example.com", "<user@example.com>" or "Name <user@example.com>".
std::optional<Party> read_one(std::string_view text, const std::string& at) {
  const std::size_t angle = find_unquoted(text, '<');
  if (angle == text.npos) return std::nullopt;
  Party party;
  party.at = at;
  if (angle < text.size()) {
    std::optional<std::string> name = read_name(trimmed(text.substr(0, angle)));
    if (!name || text.back() != '>') return std::nullopt;
    party.name = std::move(*name);
    text = text.substr(angle + 1, text.size() - angle - 2);
  }
  if (text.find_first_of("<>;") != text.npos || text.find('@') == text.npos) return std::nullopt;
  party.email = text;
  if (has_controls(party.email) || has_controls(party.name)) return std::nullopt;
  return party;
}

// Nothing when a part is no mailbox. A part that is empty ("a@x.test,") is none. What is over the limit is not read, but for the one
// that tells of it.
std::vector<Party> read_list(std::string_view text, const std::string& at) {
  std::vector<Party> parties;
  while (!text.empty() && parties.size() <= kMaxLetterRecipients) {
    const std::size_t comma = find_unquoted(text, ',');
    if (comma == text.npos) return {};
    const std::string_view part = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (part.empty()) continue;
    std::optional<Party> party = read_one(part, at);
    if (!party) return {};
    parties.push_back(std::move(*party));
  }
  return parties;
}

}  // namespace

std::vector<Party> read_mailboxes(std::string_view text, const std::string& at, Faults& faults) {
  std::vector<Party> parties = read_list(text, at);
  if (parties.empty())
    add_fault(faults, at,
              "must be an address such as user@example.com or Name <user@example.com>, a name with a comma in quotes");
  if (parties.size() <= kMaxLetterRecipients) return parties;
  add_fault(faults, at, "may have at most " + std::to_string(kMaxLetterRecipients) + " addresses");
  return {};
}

std::optional<Party> read_mailbox(std::string_view text, const std::string& at, Faults& faults) {
  std::vector<Party> parties = read_mailboxes(text, at, faults);
  if (parties.empty()) return std::nullopt;
  if (parties.size() > 1) {
    add_fault(faults, at, "must be one address; a name with a comma must be in quotes");
    return std::nullopt;
  }
  return std::move(parties.front());
}

std::string decoded_words(std::string_view text) {
  if (text.find("=?") == text.npos) return std::string(text);
  providers::set_up_gmime();
  const providers::HeldText decoded(g_mime_utils_header_decode_text(nullptr, std::string(text).c_str()));
  return providers::text_of(decoded.get());
}

}  // namespace postrider::mgmt
