#include "relay/outbound/routes.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/retry.h"
#include "core/route_match.h"

namespace postrider::relay {

namespace {

constexpr std::string_view kFirst = "first in order";
constexpr std::string_view kPreferred = "preferred by an operator";
constexpr std::string_view kNext = "those before it are out of service";
constexpr std::string_view kSpilled = "those before it had no room for spill_after";
constexpr std::string_view kAfter = "next in order";
constexpr std::string_view kAskedBefore = "asked before: it may know the message already";
constexpr std::string_view kProbe = "a probe: none is in service";

std::uint64_t hash_of(std::string_view name) {  // FNV-1a, mixed: stable, it is on disk through bucket()
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
  return hash ^ hash >> 33;
}

std::uint64_t hash_of(std::string_view name, const UpstreamMatch& match) {
  std::string text(name);
  for (const auto* key : {&match.sender_domain, &match.recipient_domain, &match.lane, &match.tag, &match.credential}) {
    text += '\n';
    for (const std::string& value : *key) text += value + ' ';
  }
  return hash_of(text);
}

// Which key of `match` keeps it from this recipient, for people.
std::string mismatch(const UpstreamMatch& match, const Envelope& envelope, const Recipient& recipient) {
  std::string keys;
  const auto check = [&](std::vector<std::string> UpstreamMatch::*key, std::string_view name) {
    UpstreamMatch one;
    one.*key = match.*key;
    if (!(one.*key).empty() && !matches(one, envelope, recipient)) keys.append(keys.empty() ? "" : ", ").append(name);
  };
  check(&UpstreamMatch::sender_domain, "sender_domain");
  check(&UpstreamMatch::recipient_domain, "recipient_domain");
  check(&UpstreamMatch::lane, "lane");
  check(&UpstreamMatch::tag, "tag");
  check(&UpstreamMatch::credential, "credential");
  return "its match does not fit: " + keys;
}

}  // namespace

Routes::Routes(std::vector<UpstreamConfig> upstreams, HealthPolicy policy, const Routes* before)
    : preference_(before != nullptr ? before->preference_ : std::make_shared<Preference>()),
      generation_(before != nullptr ? before->generation_ + 1 : 0) {
  if (upstreams.empty() || upstreams.size() > kMaxUpstreams)
    throw std::invalid_argument("Routes need 1 to 64 upstreams");
  for (UpstreamConfig& config : upstreams) {
    const std::size_t index = upstreams_.size();
    all_ |= only(index);
    if (!config.match.empty()) {
      with_match_ |= only(index);
      match_hash_ += hash_of(config.name, config.match);
    }
    if (config.spill_after > Duration{0}) spills_ = true;
    if (config.type == UpstreamType::capture) captures_ |= only(index);
    name_hashes_.push_back(hash_of(config.name));
    const auto known = before != nullptr ? before->find(config.name) : std::nullopt;
    upstreams_.push_back(known ? before->upstreams_[*known] : std::make_shared<Upstream>(config, policy));
    if (known) upstreams_.back()->reconfigure(std::move(config), policy);
  }
  std::vector<std::size_t> order(upstreams_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto priority = [this](std::size_t i) { return at(i).config().priority; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return priority(a) < priority(b); });
  for (const std::size_t i : order) {
    if (groups_.empty() || priority(groups_.back().front()) != priority(i)) groups_.emplace_back();
    groups_.back().push_back(i);
  }
}

std::optional<std::size_t> Routes::find(std::string_view name) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (at(i).name() == name) return i;
  }
  return std::nullopt;
}

UpstreamSet Routes::eligible(const Envelope& envelope, const Recipient& recipient) const {
  UpstreamSet set = envelope.capture_only ? captures_ : all_;
  if ((set & with_match_) == 0) return set;
  for (std::size_t i = 0; i < size(); ++i) {
    if (has(set & with_match_, i) && !matches(at(i).config().match, envelope, recipient)) set &= ~only(i);
  }
  return set;
}

UpstreamSet Routes::eligible(const MessageRecord& record) const {
  if (with_match_ == 0) return record.envelope.capture_only ? captures_ : all_;
  UpstreamSet set = 0;
  for (const Recipient& recipient : record.recipients) {
    if (is_live(recipient.state)) set |= eligible(record.envelope, recipient);
  }
  return set;
}

std::uint32_t Routes::bucket(UpstreamSet set) const {
  std::uint64_t sum = 1 + match_hash_;
  for (std::size_t i = 0; i < size(); ++i) {
    if (has(set, i)) sum += name_hashes_[i];
  }
  const std::uint32_t number = bucket_class(static_cast<std::uint32_t>(sum ^ sum >> 32));
  return number == 0 ? kSenderShares : number;
}

std::uint32_t Routes::bucket_of(UpstreamSet set, const Envelope& envelope) const {
  std::uint64_t sender = hash_of(envelope.tenant) + hash_of(envelope.sender.local);
  for (const char c : envelope.sender.domain) sender = sender * 31 + static_cast<unsigned char>(c | 0x20);
  return bucket(set) | static_cast<std::uint32_t>((sender ^ sender >> 32) % kSenderShares);
}

// ---- choosing -------------------------------------------------------------------------------------------------------

template <typename Visit>
void Routes::each_group(std::optional<std::size_t> first, const Visit& visit) const {
  if (first && !visit({*first})) return;
  for (const std::vector<std::size_t>& group : groups_) {
    if (!visit(group)) return;
  }
}

std::optional<std::size_t> Routes::preferred_index() const {
  const std::optional<Preferred> preferred = preference_->get();
  return preferred && !preferred->canary() ? find(preferred->upstream) : std::nullopt;
}

std::optional<std::size_t> Routes::by_weight(const std::vector<std::size_t>& group, UpstreamSet among,
                                             bool take_turn) const {
  std::uint64_t weight = 0;
  std::optional<std::size_t> last;
  for (const std::size_t i : group) {
    if (!has(among, i)) continue;
    weight += std::max(1u, at(i).config().weight);
    last = i;
  }
  if (!last || among == only(*last)) return last;
  std::atomic<std::uint64_t>& turn = turns_[(among ^ among >> 4 ^ among >> 8) % turns_.size()];
  std::uint64_t turn_left = (take_turn ? turn.fetch_add(1, std::memory_order_relaxed) : 0) % weight;
  for (const std::size_t i : group) {
    if (!has(among, i)) continue;
    const std::uint64_t mine = std::max(1u, at(i).config().weight);
    if (turn_left < mine) return i;
    turn_left -= mine;
  }
  return last;
}

Choice Routes::find_room(UpstreamSet set, UpstreamSet full, Duration waited, Time now, std::optional<std::size_t> first,
                         bool take) const {
  Choice choice;
  choice.out_of_service = true;
  bool spilled = false, earlier = false;  // somebody before had no room; was out of service
  each_group(first, [&](const std::vector<std::size_t>& group) {
    UpstreamSet in_service = 0, roomy = 0;
    Time soonest = kNever;
    bool spills = true;
    const auto waits = [&](const Upstream& upstream, Time free) {
      const Duration spill = upstream.config().spill_after;
      if (spill > waited) free = std::min(free, now + (spill - waited));
      if (spill == Duration{0} || waited < spill) spills = false;
      soonest = std::min(soonest, free);
    };
    for (const std::size_t i : group) {
      const Upstream& upstream = at(i);
      if (!has(set, i)) continue;
      if (!upstream.in_service(now)) {
        earlier = true;
        continue;
      }
      in_service |= only(i);
      Time free = std::max(upstream.rate().at(now), upstream.paused(now) ? upstream.paused_until() : now);
      if (has(full, i) || upstream.quota(now) == Quota::Leave::not_yet) free = kNever;
      if (free <= now) {
        roomy |= only(i);
      } else {
        waits(upstream, free);
      }
    }
    if (in_service == 0) return true;
    choice.out_of_service = false;
    while (const std::optional<std::size_t> one = by_weight(group, roomy, take)) {
      if (take && !upstreams_[*one]->rate().take(now)) {  // another thread was faster
        roomy &= ~only(*one);
        waits(at(*one), at(*one).rate().at(now));
        continue;
      }
      choice.upstream = one;
      choice.why = first && *one == *first && &group != &groups_.front() ? kPreferred
                   : spilled                                             ? kSpilled
                   : earlier                                             ? kNext
                                                                         : kFirst;
      return false;
    }
    choice.look_again = std::min(choice.look_again, soonest);
    spilled = true;
    return spills;
  });
  return choice;
}

Choice Routes::choose(UpstreamSet set, UpstreamSet full, Duration waited, Time now) {
  const Preference::Turn turn = preference_->next();
  const std::optional<std::size_t> first = turn.upstream ? find(*turn.upstream) : std::nullopt;
  Choice choice = find_room(set, full, waited, now, first, true);
  const bool canary = first && !preferred_index();
  if (canary && !choice.upstream) choice = find_room(set, full, waited, now, std::nullopt, true);  // it holds up nobody
  if (first && choice.upstream == first) choice.canary = turn.place;
  return choice;
}

Choice Routes::look(UpstreamSet set, UpstreamSet full, Duration waited, Time now) const {
  return find_room(set, full, waited, now, preferred_index(), false);
}

// ---- one try --------------------------------------------------------------------------------------------------------

std::vector<std::size_t> Routes::in_order(std::optional<std::size_t> first) const {
  std::vector<std::size_t> order;
  order.reserve(size());
  if (first) order.push_back(*first);
  for (const auto& group : groups_) {
    for (const std::size_t i : group) {
      if (first != i) order.push_back(i);
    }
  }
  return order;
}

std::vector<Candidate> Routes::order(const Envelope& envelope, const Recipient& recipient,
                                     std::optional<std::size_t> first, Time now) const {
  const UpstreamSet set = eligible(envelope, recipient);
  const std::optional<std::size_t> preferred = preferred_index();
  std::vector<Candidate> order;
  for (const std::size_t i : in_order(preferred)) {
    if (has(set, i) && at(i).in_service(now)) order.push_back({i, kAfter});
  }
  const auto to_front = [&order](std::size_t upstream) {
    const auto found =
        std::find_if(order.begin(), order.end(), [&](const Candidate& c) { return c.upstream == upstream; });
    if (found != order.end()) std::rotate(order.begin(), found, found + 1);
    return found != order.end();
  };
  if (first) to_front(*first);
  if (!order.empty()) order.front().why = first ? "" : kFirst;
  if (!may_have_been_sent(recipient)) return order;
  const auto before = find(recipient.upstream);
  if (before && to_front(*before)) order.front().why = kAskedBefore;
  return order;
}

bool Routes::any_in_service(UpstreamSet set, Time now) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (has(set, i) && at(i).in_service(now)) return true;
  }
  return false;
}

std::optional<std::size_t> Routes::preferred(UpstreamSet set, Time now) const {
  for (const std::size_t i : in_order(preferred_index())) {
    if (has(set, i) && at(i).worth_a_probe(now)) return i;
  }
  return std::nullopt;
}

std::vector<Candidate> Routes::probe_order(const Envelope& envelope, const Recipient& recipient, Time now) const {
  const UpstreamSet set = eligible(envelope, recipient);
  std::vector<Candidate> order;
  for (const std::size_t i : in_order(preferred_index())) {
    if (has(set, i) && (at(i).worth_a_probe(now) || at(i).in_service(now))) order.push_back({i, kProbe});
  }
  return order;
}

std::optional<std::size_t> Routes::open_beside(UpstreamSet set, std::size_t chosen, Time now) const {
  const std::optional<std::size_t> preferred = preferred_index();
  if (preferred == chosen) return std::nullopt;
  for (const std::size_t i : in_order(preferred)) {
    if (i != preferred && at(i).config().priority > at(chosen).config().priority) break;
    // One that was asked a moment ago, or is being asked, leaves the turn to the next.
    const bool may_go = at(i).health() == Health::open && at(i).next_probe(now) <= now;
    if (i != chosen && has(set, i) && at(i).worth_a_probe(now) && may_go) return i;
  }
  return std::nullopt;
}

Time Routes::skipped_until(UpstreamSet set, Time now) const {
  Time first{};
  for (std::size_t i = 0; i < size(); ++i) {
    const Upstream& upstream = at(i);
    if (!has(set, i) || !upstream.skipped_for_pause(now) || upstream.stopped()) continue;
    if (upstream.health() != Health::closed || upstream.quota(now) == Quota::Leave::used_up) continue;
    first = first == Time{} ? upstream.paused_until() : std::min(first, upstream.paused_until());
  }
  return first;
}

Time Routes::service_again(UpstreamSet set, Time now) const {
  Time at_time = kNever;
  for (std::size_t i = 0; i < size(); ++i) {
    const Upstream& upstream = at(i);
    if (!has(set, i) || upstream.stopped()) continue;
    if (upstream.paused(now)) {
      const Time waited_for = upstream.paused_until() - upstream.config().spill_after;
      const bool soon = upstream.health() == Health::closed && waited_for > now;
      at_time = std::min(at_time, soon ? waited_for : upstream.paused_until());
    } else if (upstream.quota(now) == Quota::Leave::used_up) {
      at_time = std::min(at_time, upstream.quota_renewed(now));
    } else if (upstream.health() != Health::closed) {
      // A probe that could go now and did not waits for another one to end, which is told on the board.
      const Time probe = upstream.next_probe(now);
      if (probe > now) at_time = std::min(at_time, probe);
    }
  }
  return at_time;
}

// ---- for people -----------------------------------------------------------------------------------------------------

std::vector<Routes::Explained> Routes::explain(const Envelope& envelope, const Recipient& recipient, Time now) const {
  const UpstreamSet set = eligible(envelope, recipient);
  const std::optional<Preferred> preference = preference_->get();
  const std::optional<std::size_t> preferred = preferred_index();
  std::vector<Explained> all;
  for (const std::size_t i : in_order(preferred)) {
    const Upstream& upstream = at(i);
    Explained one;
    one.upstream = i;
    one.eligible = has(set, i);
    one.in_service = one.eligible && upstream.in_service(now);
    if (!one.eligible) {
      one.why = has(with_match_, i) && !envelope.capture_only ? mismatch(upstream.config().match, envelope, recipient)
                                                              : "the credential's mail is captured only";
    } else if (upstream.stopped()) {
      one.why = "paused by an operator";
    } else if (upstream.health() != Health::closed) {
      one.why = "out of service: " + upstream.last_error();
      one.until = upstream.next_probe(now);
    } else if (upstream.quota(now) == Quota::Leave::used_up) {
      one.why = "its quota is used up";
      one.until = upstream.quota_renewed(now);
    } else if (upstream.paused(now)) {
      one.why =
          one.in_service ? "paused, for less than spill_after: mail waits for it" : "paused: it asked to slow down";
      const auto failure = upstream.last_failure();
      if (failure && failure->reason.cause == Cause::throttle) one.why += " (" + failure->reason.text + ")";
      one.until = upstream.paused_until();
    } else {
      one.why =
          preferred == i ? "preferred by " + preference->by : "priority " + std::to_string(upstream.config().priority);
      if (upstream.rate().at(now) > now) {
        one.why += "; at its rate";
        one.until = upstream.rate().at(now);
      }
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace postrider::relay
