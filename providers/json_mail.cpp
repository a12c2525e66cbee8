#include "providers/json_mail.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/utf8.h"

namespace postrider::providers {

namespace {

// Traces of the way here, and signatures that a rebuilt message breaks.
constexpr std::array<std::string_view, 13> kNeverSent = {"received",
                                                         "return-path",
                                                         "delivered-to",
                                                         "x-received",
                                                         "x-original-to",
                                                         "resent-bcc",
                                                         "dkim-signature",
                                                         "arc-*",
                                                         "authentication-results",
                                                         "received-spf",
                                                         "domainkey-*",
                                                         "content-length",
                                                         "x-google-dkim-signature"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_among(std::string_view lowered, std::span<const std::string_view> patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    return pattern.ends_with('*') ? lowered.starts_with(pattern.substr(0, pattern.size() - 1)) : lowered == pattern;
  });
}

bool is_field_name(std::string_view name) {  // RFC 5322 3.6.8 ftext
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

bool is_list_field(std::string_view lowered) {
  return lowered.starts_with("list-") || lowered == "keywords" || lowered == "comments";
}

Fault cannot(const JsonRules& rules, std::string_view why) {
  return invalid(std::string(rules.vendor).append(" cannot express this message: ").append(why));
}

// Who is shown to whom. A mailbox of the header that this call does not serve cannot be named, and one that the header does not name
// must not be shown to others.
std::optional<Fault> address_to(const Mail& mail, const MimeView& view, const JsonRules& rules, JsonMail& out) {
  HeaderRecipients split = split_by_header(view, mail.message, mail.recipients);
  out.to = std::move(split.to);
  out.cc = std::move(split.cc);
  out.bcc = std::move(split.bcc);
  if (out.to.empty()) out.to = std::exchange(out.cc, {});  // none of these APIs takes mail without a To
  if (!out.to.empty()) return std::nullopt;
  if (out.bcc.size() == 1) {
    out.to = std::exchange(out.bcc, {});  // shown to nobody but himself
    return std::nullopt;
  }
  if (rules.separate_letters) return std::nullopt;
  return Fault{FaultKind::conflict,
               std::string(rules.vendor) + " would show these recipients to each other: the header names none of them"};
}

// A calendar is what the message is for, so it goes along as a file where it cannot be an alternative. Any other alternative says
// what the plain text and the HTML say.
std::optional<Fault> place_texts(MimeView& view, const JsonRules& rules, JsonMail& out) {
  for (TextPart& part : view.texts) {
    if (part.content_type == "text/plain") {
      out.plain = std::move(part.text);
    } else if (part.content_type == "text/html") {
      out.html = std::move(part.text);
    } else if (rules.other_alternatives) {
      if (!part.text.empty()) out.others.push_back(std::move(part));
    } else if (part.content_type == "text/calendar") {
      out.attachments.push_back({"invite.ics", "text/calendar", "", false, std::move(part.text)});
    }
  }
  if (!out.plain.empty() || !out.html.empty()) return std::nullopt;
  const bool only_others = !view.texts.empty() && view.text("text/plain") == nullptr &&
                           view.text("text/html") == nullptr && view.text("text/calendar") == nullptr;
  if (only_others) return cannot(rules, "its text is neither plain nor HTML");
  out.plain = " ";  // an empty text is refused; files alone, and nothing at all, are mail too
  return std::nullopt;
}

}  // namespace

result<JsonMail> take_apart(const Mail& mail, const JsonRules& rules) {
  result<MimeView> view = view_mime(mail.body);
  if (!view) return cannot(rules, view.error().text);
  if (view->from.empty()) return cannot(rules, "it has no From field with an address");
  if (view->from.size() > 1) return cannot(rules, "it has several authors in From");
  JsonMail out;
  out.id = mail.message.id.str();
  if (auto fault = address_to(mail, *view, rules, out)) return *fault;
  if (auto fault = place_texts(*view, rules, out)) return *fault;
  out.from = std::move(view->from.front());
  out.reply_to = std::move(view->reply_to);
  out.subject = std::move(view->subject);
  std::move(view->attachments.begin(), view->attachments.end(), std::back_inserter(out.attachments));
  if (!view->sender.email.empty() && view->sender.email != out.from.email)
    view->headers.emplace_back("Sender", mailbox_text(view->sender));
  for (auto& [name, value] : view->headers) {
    const std::string lowered = lower(name);
    if (is_field_name(name) && !is_among(lowered, kNeverSent) && !is_among(lowered, rules.left_out))
      out.headers.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

boost::json::object header_object(const JsonMail& mail) {
  boost::json::object object;
  std::unordered_map<std::string, std::string_view> written;  // lower case -> as the first of them writes it
  for (const auto& [name, value] : mail.headers) {
    const std::string lowered = lower(name);
    const auto [first, is_new] = written.emplace(lowered, name);
    if (is_new)
      object.emplace(name, value);
    else if (is_list_field(lowered))
      object.at(first->second).as_string().append(", ").append(value);
  }
  return object;
}

std::string file_name(const Attachment& attachment) {
  if (!attachment.filename.empty()) return attachment.filename;
  if (attachment.content_type == "message/rfc822") return "message.eml";
  if (attachment.content_type == "text/calendar") return "invite.ics";
  if (attachment.content_type == "text/plain") return "attachment.txt";
  const std::string& type = attachment.content_type;  // image/png: attachment.png
  const std::string_view subtype = std::string_view(type).substr(std::min(type.find('/'), type.size() - 1) + 1);
  const bool plain = !subtype.empty() && subtype.size() <= 5 &&
                     std::all_of(subtype.begin(), subtype.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return plain ? "attachment." + std::string(subtype) : "attachment";
}

bool has_specials(std::string_view name) {
  return name.find_first_of("()<>[]:;@\\,.\"") != std::string_view::npos;
}

std::string encoded_word(std::string_view text) {
  constexpr std::size_t kMostOctets =
      45;  // 60 characters of base64: with "=?utf-8?B?" and "?=" within the 75 of RFC 2047 2
  std::string words;
  while (!text.empty()) {
    std::size_t taken = 0, whole = 0;
    while (taken < text.size()) {
      const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(text.substr(taken)));
      if (taken + length > kMostOctets) break;
      taken += length;
      if (taken % 3 == 0) whole = taken;
    }
    // No padding before the last word: there are readers that join words and then decode them.
    if (taken < text.size() && whole > 0) taken = whole;
    words.append(words.empty() ? "" : " ").append("=?utf-8?B?").append(base64(text.substr(0, taken))).append("?=");
    text.remove_prefix(taken);
  }
  return words;
}

std::string mailbox_text(const Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.email;
  const bool ascii = std::all_of(mailbox.name.begin(), mailbox.name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  std::string name;
  if (!ascii) {
    name = encoded_word(mailbox.name);
  } else if (has_specials(mailbox.name)) {
    name = "\"";
    for (const char c : mailbox.name) name.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
    name += '"';
  } else {
    name = mailbox.name;
  }
  return name + " <" + mailbox.email + ">";
}

std::string mailboxes_text(const std::vector<Mailbox>& mailboxes) {
  std::string text;
  for (const Mailbox& mailbox : mailboxes) text.append(text.empty() ? "" : ", ").append(mailbox_text(mailbox));
  return text;
}

void place_named(Reading& reading, const Mail& mail) {
  for (Reading::Named& named : reading.named) {
    const std::string address = lower(named.address);
    for (std::size_t place = 0; place < mail.recipients.size(); ++place)
      if (lower(address_text(mail, place)) == address)
        reading.singles.push_back({place, named.kind, named.reason, named.provider_id});
  }
  reading.named.clear();
}

}  // namespace postrider::providers
