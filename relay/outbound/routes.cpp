#include "relay/outbound/routes.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/retry.h"

namespace postrider::relay {

Routes::Routes(std::vector<UpstreamConfig> upstreams, HealthPolicy policy) {
  if (upstreams.empty()) throw std::invalid_argument("Routes need at least one upstream");
  for (UpstreamConfig& config : upstreams) upstreams_.push_back(std::make_unique<Upstream>(std::move(config), policy));

  order_.resize(upstreams_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const auto priority = [this](std::size_t i) { return at(i).config().priority; };
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t a, std::size_t b) { return priority(a) < priority(b); });
  group_end_.resize(order_.size());
  for (std::size_t i = order_.size(); i-- > 0;) {
    const bool last = i + 1 == order_.size() || priority(order_[i]) != priority(order_[i + 1]);
    group_end_[i] = last ? i + 1 : group_end_[i + 1];
  }
}

RouteDecision Routes::decide(const Envelope& envelope, const Recipient& recipient, Time now) const {
  RouteDecision decision;
  const std::optional<std::size_t> first = first_in_service(envelope, now);
  if (!first) {
    decision.preferred = preferred(now);
    return decision;
  }
  decision.preferred = *first;
  decision.in_service.reserve(order_.size());
  decision.in_service.push_back({*first, "preferred"});
  for (const std::size_t i : order_) {
    if (i != *first && at(i).in_service(now)) decision.in_service.push_back({i, "next in order"});
  }
  if (!may_have_been_sent(recipient)) return decision;

  const auto same = std::find_if(decision.in_service.begin(), decision.in_service.end(), [&](const Candidate& c) {
    return at(c.upstream).config().name == recipient.upstream;
  });
  if (same == decision.in_service.end()) return decision;
  std::rotate(decision.in_service.begin(), same, same + 1);
  decision.in_service.front().why = "asked before";
  return decision;
}

std::optional<std::size_t> Routes::first_in_service(const Envelope&, Time now) const {
  for (std::size_t begin = 0; begin < order_.size(); begin = group_end_[begin]) {
    const std::size_t end = group_end_[begin];
    std::uint64_t weight = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (at(order_[i]).in_service(now)) weight += std::max(1u, at(order_[i]).config().weight);
    }
    if (weight == 0) continue;
    std::uint64_t turn_left = end - begin == 1 ? 0 : turn() % weight;
    for (std::size_t i = begin; i < end; ++i) {
      if (!at(order_[i]).in_service(now)) continue;  // it may have gone since the sum: then the next one has the turn
      const std::uint64_t mine = std::max(1u, at(order_[i]).config().weight);
      if (turn_left < mine) return order_[i];
      turn_left -= mine;
    }
  }
  return std::nullopt;
}

std::size_t Routes::preferred(Time now) const {
  std::size_t best = order_.front();
  for (const std::size_t i : order_) {
    if (!at(i).paused(now)) return i;
    if (at(i).paused_until() < at(best).paused_until()) best = i;
  }
  return best;
}

std::vector<std::size_t> Routes::probe_order(Time now) const {
  std::vector<std::size_t> order;
  for (const std::size_t i : order_) {
    if (!at(i).paused(now)) order.push_back(i);
  }
  return order;
}

std::optional<std::size_t> Routes::open_beside(std::size_t chosen, Time now) const {
  for (const std::size_t i : order_) {
    if (at(i).config().priority > at(chosen).config().priority) break;
    if (i != chosen && at(i).health() != Health::closed && !at(i).paused(now)) return i;
  }
  return std::nullopt;
}

}  // namespace postrider::relay
