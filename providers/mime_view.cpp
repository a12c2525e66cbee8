#include "providers/mime_view.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/address.h"
#include "core/utf8.h"
#include "providers/address_fields.h"
#include "providers/mime_parts.h"

namespace postrider::providers {

namespace {

// Fields that the view holds taken apart, and those of MIME, which the vendor writes anew.
constexpr std::array<std::string_view, 8> kTakenApart = {"from", "sender",  "to",       "cc",
                                                         "bcc",  "subject", "reply-to", "mime-version"};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_taken_apart(const std::string& name) {
  const std::string lowered = lower(name);
  return lowered.starts_with("content-") ||
         std::find(kTakenApart.begin(), kTakenApart.end(), lowered) != kTakenApart.end();
}

std::string email_of(std::string_view text) {
  const result<Address> address = parse_address(text);
  if (!address) return std::string(text);
  const result<std::string> domain = domain_to_ascii(address->domain);
  return domain ? address->local + "@" + *domain : address->str();
}

void append_mailboxes(InternetAddressList* list, std::vector<Mailbox>& mailboxes) {
  const int count = list == nullptr ? 0 : internet_address_list_length(list);
  for (int i = 0; i < count; ++i) {
    InternetAddress* address = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(address)) {  // RFC 5322 3.4; GMime also takes groups in groups
      append_mailboxes(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), mailboxes);
    } else if (INTERNET_ADDRESS_IS_MAILBOX(address)) {
      const std::string email = text_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
      if (!email.empty()) mailboxes.push_back({unfolded(text_of(internet_address_get_name(address))), email_of(email)});
    }
  }
}

std::vector<Mailbox> mailboxes_of(GMimeMessage* message, GMimeAddressType type) {
  std::vector<Mailbox> mailboxes;
  append_mailboxes(g_mime_message_get_addresses(message, type), mailboxes);
  return mailboxes;
}

void read_headers(GMimeMessage* message, MimeView& view) {
  GMimeHeaderList* list = g_mime_object_get_header_list(GMIME_OBJECT(message));
  for (int i = 0; i < g_mime_header_list_get_count(list); ++i) {
    GMimeHeader* header = g_mime_header_list_get_header_at(list, i);
    const std::string name = text_of(g_mime_header_get_name(header));
    if (is_taken_apart(name)) continue;
    const char* raw = g_mime_header_get_raw_value(header);
    // Octets in another charset than UTF-8 are taken as GMime guesses them.
    const bool readable = raw != nullptr && is_utf8(raw);
    std::string value = unfolded(text_of(readable ? raw : g_mime_header_get_value(header)));
    if (!value.empty()) view.headers.emplace_back(name, std::move(value));
  }
}

bool says_boundary(std::string_view text) {
  return text.size() >= 8 && lower(std::string(text.substr(0, 8))) == "boundary";
}

// GMime compares each line that begins with "--" with the boundaries of all multiparts around it, up to a thousand: with a million
// such lines that takes minutes. A quarter of a second is enough for all mail that is meant to be read.
bool takes_too_long(std::string_view octets) {
  constexpr std::size_t kDeepest = 1024, kMostComparisons = 20'000'000;
  std::size_t lines = 0, boundaries = 0;
  for (std::size_t at = octets.find("\n--"); at != octets.npos; at = octets.find("\n--", at + 1)) ++lines;
  if (lines <= kMostComparisons / kDeepest) return false;
  for (std::size_t at = octets.find_first_of("bB"); at != octets.npos; at = octets.find_first_of("bB", at + 1))
    if (says_boundary(octets.substr(at))) ++boundaries;
  return lines > kMostComparisons / std::clamp<std::size_t>(boundaries, 1, kDeepest);
}

Held<GMimeMessage> parse(std::string_view octets) {
  set_up_gmime();
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(octets.data(), octets.size()));
  const Held<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  return Held<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

}  // namespace

const TextPart* MimeView::text(std::string_view content_type) const {
  for (const TextPart& part : texts)
    if (part.content_type == content_type) return &part;
  return nullptr;
}

result<MimeView> view_mime(std::string_view octets) {
  if (may_nest_too_deep(octets)) return invalid("it has too many groups of addresses in one field");
  if (takes_too_long(octets)) return invalid("it has too many multiparts for its length");
  const Held<GMimeMessage> message = parse(octets);
  if (!message) return invalid("it cannot be read as a message");
  MimeView view;
  view.from = mailboxes_of(message.get(), GMIME_ADDRESS_TYPE_FROM);
  view.to = mailboxes_of(message.get(), GMIME_ADDRESS_TYPE_TO);
  view.cc = mailboxes_of(message.get(), GMIME_ADDRESS_TYPE_CC);
  view.reply_to = mailboxes_of(message.get(), GMIME_ADDRESS_TYPE_REPLY_TO);
  const std::vector<Mailbox> senders = mailboxes_of(message.get(), GMIME_ADDRESS_TYPE_SENDER);
  if (!senders.empty()) view.sender = senders.front();
  view.subject = unfolded(text_of(g_mime_message_get_subject(message.get())));
  read_headers(message.get(), view);
  if (auto why = collect_parts(g_mime_message_get_mime_part(message.get()), view)) return invalid(std::move(*why));
  return view;
}

HeaderRecipients split_by_header(const MimeView& view, const MessageRecord& message,
                                 std::span<const std::uint32_t> recipients) {
  HeaderRecipients split;
  std::unordered_map<std::string, bool> named;  // mailbox of the call -> is in one of the lists
  for (const std::uint32_t recipient : recipients)
    named.emplace(email_of(message.recipients[recipient].address.str()), false);
  std::unordered_map<std::string, bool> missing;
  const auto take = [&](const std::vector<Mailbox>& field, std::vector<Mailbox>& list) {
    for (const Mailbox& mailbox : field) {
      const auto found = named.find(mailbox.email);
      if (found == named.end()) {
        if (missing.emplace(mailbox.email, true).second) split.missing.push_back(mailbox);
      } else if (!std::exchange(found->second, true)) {
        list.push_back(mailbox);
      }
    }
  };
  take(view.to, split.to);
  take(view.cc, split.cc);
  for (const std::uint32_t recipient : recipients) {
    const auto found = named.find(email_of(message.recipients[recipient].address.str()));
    if (!std::exchange(found->second, true)) split.bcc.push_back({"", found->first});
  }
  return split;
}

}  // namespace postrider::providers
