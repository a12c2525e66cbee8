#include "mgmt/send_plan.h"

#include <algorithm>
#include <unordered_map>

#include "mgmt/field_rules.h"
#include "mgmt/header_text.h"
#include "providers/address_fields.h"

namespace postrider::mgmt {

namespace {

using relay::EnvelopeSpec;
using relay::RecipientSpec;

constexpr int kTooBig = 552;  // RFC 5321 4.5.3.1.10, as the submission says it

std::string key_of(const Address& address) {  // equal for what Address calls equal
  std::string domain = address.domain;
  for (char& c : domain)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return address.local + "@" + domain;
}

// As it will be asked for in DNS: a domain in UTF-8 would need SMTPUTF8 (RFC 6531) where its A-labels do not.
Address address_of(const std::string& email) {
  Address address = *parse_address(email);
  const bool ascii = std::all_of(address.domain.begin(), address.domain.end(), [](unsigned char c) { return c < 128; });
  if (!ascii) address.domain = *domain_to_ascii(address.domain);
  return address;
}

class Planner {
 public:
  Planner(const Letter& letter, const Request& request, relay::Submission& submission, Time now, const Faults& of_call)
      : letter_(letter), of_call_(of_call), principal_(request.principal), submission_(submission), now_(now) {
    EnvelopeSpec& envelope = plan_.envelope;
    envelope.door = Door::http;
    envelope.smtputf8 = true;  // JSON and raw octets can hold what needs it; the submission asks for it only then
    envelope.tenant = principal_.tenant;
    envelope.bound_senders = principal_.senders;
    envelope.guard = principal_.guard;
    envelope.may_steer = true;
    envelope.client_address = request.peer.to_string();
    envelope.protocol = request.tls ? "HTTPS" : "HTTP";
  }

  SendPlan run() {
    check_letter(letter_, faults_, of_call_);
    const bool sound = faults_.empty() && of_call_.empty();
    take_times();
    if (read_header() && sound) {
      take_sender();
      take_recipients();
      take_steering();
    }
    if (!faults_.empty()) plan_.refusal = invalid_fields(std::move(faults_));
    if (!plan_.refusal) check_size();
    plan_.envelope.metadata = letter_.metadata;
    return std::move(plan_);
  }

 private:
  std::string at(const std::string& place) const { return letter_.at + place; }
  void refuse(ProblemType type, std::string detail, std::vector<FieldFault> where) {
    if (plan_.refusal) return;
    plan_.refusal.emplace();
    plan_.refusal->type = type;
    plan_.refusal->detail = std::move(detail);
    plan_.refusal->faults = std::move(where);
  }

  // False: it cannot be read, and nothing follows from it.
  bool read_header() {
    if (letter_.raw.empty()) {
      for (const auto& [name, value] : letter_.headers)
        if (providers::is_named(name, "message-id")) plan_.message_id = value;
      return true;
    }
    const std::string begin = with_crlf(std::string_view(letter_.raw).substr(0, kMaxRawHeader + 1));
    auto header = read_raw_header(begin);
    if (!header) {
      add_fault(faults_, at(letter_.places.raw), header.error().text);
      return false;
    }
    header_ = std::move(*header);
    plan_.message_id = header_.message_id;
    scanner_.feed(begin);
    scanner_.finish();
    return true;
  }

  // Whoever is bound to senders may name no others in the header either: that is what people see.
  void take_sender() {
    std::vector<std::string> shown = header_.from;
    shown.insert(shown.end(), header_.senders.begin(), header_.senders.end());
    if (!letter_.from.email.empty()) shown.push_back(letter_.from.email);
    if (letter_.sender) shown.push_back(letter_.sender->email);
    const std::string pointer = at(letter_.places.from);
    if (!letter_.envelope_sender && letter_.from.email.empty() && header_.from.empty())
      return add_fault(faults_, pointer, "is needed: the raw message has no From");
    std::string sender =
        letter_.from.email.empty() && !header_.from.empty() ? header_.from.front() : letter_.from.email;
    if (letter_.envelope_sender) sender = *letter_.envelope_sender;
    if (!sender.empty())
      if (auto wrong = wrong_address(sender)) return add_fault(faults_, pointer, std::move(*wrong));
    plan_.envelope.sender = address_of(sender);
    for (const std::string& address : shown)
      if (!may_send_as(address)) forbid_sender(address, pointer);
    const auto no = submission_.check_sender(plan_.envelope);
    if (no && no->code != 501) forbid_sender(sender, pointer);  // 501 is of the time of sending, which is checked
  }

  // What this server's options allow; it needs nothing else of the letter.
  void take_times() {
    relay::Steering& steering = plan_.envelope.steering;
    const relay::SteeringBounds& bounds = submission_.options().steering;
    steering.send_at = letter_.send_at;
    steering.expires_in = letter_.expires_in;
    steering.retry = letter_.retry;
    const auto& [retries, interval] = letter_.retry;
    if (retries && *retries > bounds.max_retries)
      add_fault(faults_, at(letter_.places.retries),
                "the number of retries is from 0 to " + std::to_string(bounds.max_retries));
    if (interval && (*interval < bounds.min_retry_interval || *interval > bounds.max_retry_interval))
      add_fault(faults_, at(letter_.places.retry_interval),
                "the interval is from " + format_duration(bounds.min_retry_interval) + " to " +
                    format_duration(bounds.max_retry_interval));
    if (letter_.send_at > now_ && bounds.max_hold == Duration::zero())
      add_fault(faults_, at(letter_.places.send_at), "scheduling is switched off here");
    else if (const auto no = too_late())
      add_fault(faults_, at(letter_.places.send_at), no->text());
  }

  // The submission looks at the time with the sender, and nobody is anyone's to send as.
  std::optional<Reply> too_late() const {
    EnvelopeSpec nobody;
    nobody.steering.send_at = letter_.send_at;
    return submission_.check_sender(nobody);
  }

  bool may_send_as(const std::string& email) const {
    if (principal_.senders.empty()) return true;
    const auto address = parse_address(email);
    return address && std::any_of(principal_.senders.begin(), principal_.senders.end(),
                                  [&](const std::string& pattern) { return address_matches(pattern, *address); });
  }

  void forbid_sender(const std::string& address, const std::string& pointer) {
    const std::string detail = "this credential may not send as '" + address + "'";
    refuse(ProblemType::sender_not_allowed, detail, {{pointer, detail}});
  }

  void take_recipients() {
    std::vector<Party> parties = letter_.envelope_recipients;
    if (parties.empty())
      for (const auto* list : {&letter_.to, &letter_.cc, &letter_.bcc})
        parties.insert(parties.end(), list->begin(), list->end());
    if (parties.empty()) parties = parties_of_header();
    std::vector<FieldFault> refused;
    for (const Party& party : parties) take_recipient(party, refused);
    if (refused.empty()) return;
    std::string detail = "the guard of this credential does not allow " + std::to_string(refused.size()) +
                         (refused.size() == 1 ? " recipient" : " of the recipients");
    refuse(ProblemType::recipient_not_allowed, std::move(detail), std::move(refused));
  }

  std::vector<Party> parties_of_header() {
    const std::string pointer = at(letter_.places.raw);
    std::vector<Party> out;
    if (!header_.unreadable.empty()) {
      add_fault(faults_, pointer, header_.unreadable);
      return out;
    }
    for (const auto* list : {&header_.to, &header_.cc, &header_.bcc})
      for (const std::string& email : *list) {
        if (auto wrong = wrong_address(email))
          add_fault(faults_, pointer, "a recipient in its header " + *wrong);
        else
          out.push_back({email, {}, pointer});
      }
    if (header_.to.empty() && header_.cc.empty() && header_.bcc.empty())
      add_fault(faults_, at(letter_.places.to), "is needed: the raw message names no recipient");
    if (out.size() > kMaxLetterRecipients)
      add_fault(faults_, pointer, "a message has at most " + std::to_string(kMaxLetterRecipients) + " recipients");
    return out;
  }

  // Who is named twice gets it once, also when an alias made them the same. Redirected ones stay: each is on record.
  void take_recipient(const Party& party, std::vector<FieldFault>& refused) {
    PlannedRecipient planned{party.email, party.at.empty() ? at(letter_.places.to) : party.at, std::nullopt, false};
    RecipientSpec spec;
    spec.address = address_of(party.email);
    spec.notify = letter_.notify;
    spec.captured = letter_.capture_only;
    if (const auto no = submission_.check_recipient(plan_.envelope, spec)) {
      planned.refused = true;
      refused.push_back({planned.at, "'" + party.email + "': " + no->text()});
    } else {
      const std::string key =
          spec.redirected_from.empty() ? key_of(spec.address) : "redirected " + spec.redirected_from;
      const auto [known, is_new] = taken_.emplace(key, plan_.envelope.recipients.size());
      if (is_new) {
        planned.index = known->second;
        plan_.envelope.recipients.push_back(std::move(spec));
      }
    }
    plan_.recipients.push_back(std::move(planned));
  }

  void take_steering() {
    relay::Steering& steering = plan_.envelope.steering;
    const relay::SteeringBounds& bounds = submission_.options().steering;
    steering.lane = letter_.lane;
    for (const std::string& tag : letter_.tags)
      if (std::find(steering.tags.begin(), steering.tags.end(), tag) == steering.tags.end())
        steering.tags.push_back(tag);
    if (!letter_.raw.empty() && faults_.empty()) steer_by_header(steering, bounds);
  }

  // What the header of a raw message asks for itself, as it will be read when the message is taken. Where the request asks for the same,
  // one of the two would be dropped.
  void steer_by_header(relay::Steering& steering, const relay::SteeringBounds& bounds) {
    const std::pair<std::string_view, bool> asked[] = {
        {"x-postrider-lane", letter_.lane.has_value()},
        {"x-postrider-send-at", letter_.send_at != Time{}},
        {"x-postrider-expires-in", letter_.expires_in != Duration{}},
        {"x-postrider-retries", letter_.retry.retries.has_value()},
        {"x-postrider-retry-interval", letter_.retry.interval.has_value()}};
    for (const auto& field : scanner_.fields())
      for (const auto& [name, is_asked] : asked)
        if (is_asked && providers::is_named(field.name, name))
          add_fault(faults_, at(letter_.places.raw),
                    "has the field " + std::string(field.name) + ", and the request asks for the same; say it once");
    const auto read = relay::read_steering(scanner_.fields(), bounds, now_, steering);
    if (!read)
      add_fault(faults_, at(letter_.places.raw), "has a field that asks for what cannot be: " + read.error().text);
  }

  // Base64 has a line of 78 octets for each 57 (RFC 2045 6.8).
  void check_size() {
    std::uint64_t size = letter_.raw.size() + letter_.text.size() + letter_.html.size();
    for (const LetterText& alternative : letter_.alternatives) size += alternative.text.size();
    for (const LetterPart& part : letter_.attachments)
      size += std::max(part.octets.size(), part.octets.size() / 57 * 78);
    plan_.least_size = size;
    const auto no = submission_.can_accept(size);
    if (!no) return;
    if (no->code == kTooBig)
      refuse(ProblemType::payload_too_large,
             "the message has at least " + std::to_string(size) + " octets, and at most " +
                 std::to_string(submission_.options().max_message_size) + " are taken",
             {});
    else
      refuse(ProblemType::spool_full, "the spool is full; try again later", {});
  }

  const Letter& letter_;
  const Faults& of_call_;
  const Principal& principal_;
  relay::Submission& submission_;
  const Time now_;
  Faults faults_;
  RawHeader header_;
  smtp::HeaderScanner scanner_{kMaxRawHeader};  // of raw octets
  std::unordered_map<std::string, std::size_t> taken_;
  SendPlan plan_;
};

}  // namespace

SendPlan plan_letter(const Letter& letter, const Request& request, relay::Submission& submission, Time now,
                     const Faults& of_call) {
  return Planner(letter, request, submission, now, of_call).run();
}

}  // namespace postrider::mgmt
