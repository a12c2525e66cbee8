// o: options, X-Mailgun-* header fields and v: variables of Mailgun's API.
#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/json/serialize.hpp>

#include "mgmt/dialects/mailgun_form.h"
#include "mgmt/json_fields.h"
#include "mgmt/mail_date.h"

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

constexpr std::string_view kHeaderPrefix = "X-Mailgun-";

// Switches: what Postrider does anyway may be said; the other way is refused with the reason.
struct Switch {
  std::string_view option;
  std::string_view why_not_on;
};
constexpr std::string_view kNoTracking = "opens and clicks are not tracked here: leave it out or give no";
constexpr std::string_view kNoSigning = "messages are not signed here, the upstream may: leave it out or give no";
constexpr std::string_view kNoTls =
    "how the next hop is reached is configured with the upstream (tls): leave it out or give no";
constexpr std::array<Switch, 8> kSwitches{{{"tracking", kNoTracking},
                                           {"tracking-clicks", kNoTracking},
                                           {"tracking-opens", kNoTracking},
                                           {"tracking-pixel-location-top", kNoTracking},
                                           {"dkim", kNoSigning},
                                           {"require-tls", kNoTls},
                                           {"skip-verification", kNoTls},
                                           {"suppress-headers", "header fields are sent as they are given"}}};

struct Unavailable {
  std::string_view option, why;
};
constexpr std::array<Unavailable, 8> kUnavailable{
    {{"deliverytime-optimize-period", "Postrider does not choose times of delivery: give o:deliverytime"},
     {"time-zone-localize", "Postrider does not know the time zones of recipients: give o:deliverytime"},
     {"secondary-dkim", kNoSigning},
     {"secondary-dkim-public", kNoSigning},
     {"sending-ip", "Postrider has no sending addresses to choose from: upstreams are chosen by its routes"},
     {"sending-ip-pool", "Postrider has no sending addresses to choose from: upstreams are chosen by its routes"},
     {"archive-to", "copies are not made here: add a recipient to bcc"},
     {"campaign", "there are no campaigns: give o:tag"}}};

// X-Mailgun-* fields and the option that says the same.
struct HeaderOption {
  std::string_view header, option;
};
constexpr std::array<HeaderOption, 9> kHeaderOptions{{{"Tag", "tag"},
                                                      {"Deliver-By", "deliverytime"},
                                                      {"Drop-Message", "testmode"},
                                                      {"Track", "tracking"},
                                                      {"Track-Clicks", "tracking-clicks"},
                                                      {"Track-Opens", "tracking-opens"},
                                                      {"Dkim", "dkim"},
                                                      {"Require-TLS", "require-tls"},
                                                      {"Skip-Verification", "skip-verification"}}};

std::optional<bool> yes_or_no(std::string_view value) {
  if (iequals(value, "yes") || iequals(value, "true")) return true;
  if (iequals(value, "no") || iequals(value, "false")) return false;
  return std::nullopt;
}

}  // namespace

void MailgunOptions::take(std::string_view option, std::string_view value, const std::string& at) {
  if (option == "tag") return add_tag(value, at);
  if (option == "deliverytime") return set_time(value, at);
  for (const Unavailable& row : kUnavailable)
    if (row.option == option) return add_fault(faults_, at, std::string(row.why));
  const bool html_only = option == "tracking-clicks" && value == "htmlonly";
  const auto on = html_only ? true : yes_or_no(value);
  if (option == "testmode") {
    if (!on) return add_fault(faults_, at, "must be yes or no");
    letter_.capture_only = *on;
    return;
  }
  const auto* const row =
      std::find_if(kSwitches.begin(), kSwitches.end(), [&](const Switch& s) { return s.option == option; });
  if (row == kSwitches.end()) return add_fault(faults_, at, "there is no such option");
  if (!on || *on) add_fault(faults_, at, on ? std::string(row->why_not_on) : "must be yes or no");
}

bool MailgunOptions::take_header(std::string_view name, const std::string& value, const std::string& at) {
  if (name.size() <= kHeaderPrefix.size() || !iequals(name.substr(0, kHeaderPrefix.size()), kHeaderPrefix))
    return false;
  name.remove_prefix(kHeaderPrefix.size());
  for (const HeaderOption& row : kHeaderOptions)
    if (iequals(row.header, name)) return take(row.option, value, at), true;
  if (iequals(name, "Variables"))
    variables(value, at);
  else
    add_fault(faults_, at, "this header field asks for something that cannot be done here");
  return true;
}

void MailgunOptions::variable(std::string name, std::string value) {
  for (auto& [known, old] : letter_.metadata)
    if (known == name) {
      old = std::move(value);
      return;
    }
  if (letter_.metadata.size() <= kMaxMetadata)  // one too many is what check_letter finds
    letter_.metadata.emplace_back(std::move(name), std::move(value));
}

void MailgunOptions::variables(std::string_view json, const std::string& at) {
  Faults unreadable;
  const auto document = parse_document(json, unreadable);
  const auto* object = document ? document->if_object() : nullptr;
  if (object == nullptr) return add_fault(faults_, at, "must be a JSON object that has each member once");
  for (const auto& member : *object) {
    const auto& value = member.value();
    variable(std::string(member.key()),
             value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value));
  }
}

void MailgunOptions::add_tag(std::string_view value, const std::string& at) {
  if (value.empty()) return add_fault(faults_, at, "must not be empty");
  if (std::find(letter_.tags.begin(), letter_.tags.end(), value) != letter_.tags.end()) return;
  if (letter_.tags.size() <= kMaxTags) letter_.tags.emplace_back(value);
}

void MailgunOptions::set_time(std::string_view value, const std::string& at) {
  const auto time = parse_mail_date(value);
  if (!time)
    return add_fault(faults_, at, "must be a date such as Fri, 14 Oct 2011 23:10:10 +0000, or seconds since 1970");
  letter_.send_at = *time;
}

}  // namespace postrider::mgmt
