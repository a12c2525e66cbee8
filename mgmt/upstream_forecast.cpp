#include "mgmt/upstream_forecast.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using relay::Routes;
using relay::UpstreamSet;

constexpr std::uint32_t kMostMessages = 1'000'000;

// Which part of the mail for `set` goes to `upstream` first as things stand: all, nothing, or its weight among its equals.
double share_now(const Routes& routes, UpstreamSet set, std::size_t upstream, Time now) {
  std::optional<std::size_t> first = routes.look(set, 0, Duration{0}, now).upstream;
  if (!first) first = routes.preferred(set, now);
  if (!first) return 0;
  const auto preferred = routes.preference().get();
  const bool swapped = preferred && !preferred->canary() && routes.at(*first).name() == preferred->upstream;
  if (swapped || routes.at(*first).config().priority != routes.at(upstream).config().priority)
    return *first == upstream ? 1 : 0;
  double mine = 0, all = 0;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const UpstreamConfig& config = routes.at(i).config();
    if (!relay::has(set, i) || config.priority != routes.at(upstream).config().priority) continue;
    if (!routes.at(i).in_service(now)) continue;
    const double weight = std::max(1u, config.weight);
    all += weight;
    if (i == upstream) mine = weight;
  }
  return all > 0 ? mine / all : 0;
}

json::object count_json(const Forecast::Count& count) {
  return {{"waiting", count.waiting}, {"eligible", count.eligible}, {"would_move", count.would_move}};
}

}  // namespace

result<Canary> parse_canary(std::string_view text) {
  const Fault wrong =
      invalid("'canary' is a share from 1% to 99%, or a number of messages from 1 to " + std::to_string(kMostMessages));
  const bool share = text.ends_with('%');
  if (share) text.remove_suffix(1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return wrong;
  if (number > (share ? 99 : kMostMessages)) return wrong;
  return share ? Canary{number, 0} : Canary{0, number};
}

Forecast::Count Forecast::all() const {
  Count sum;
  for (const Count& lane : lanes) {
    sum.waiting += lane.waiting;
    sum.eligible += lane.eligible;
    sum.would_move += lane.would_move;
  }
  return sum;
}

Forecast forecast(const Routes& routes, const WaitingMail& mail, std::size_t upstream, Canary canary, Time now) {
  Forecast out;
  const bool works = routes.at(upstream).in_service(now);
  for (const WaitingBucket& bucket : mail.buckets) {
    const bool eligible = relay::has(bucket.set, upstream);
    const double moves = eligible && works ? 1 - share_now(routes, bucket.set, upstream, now) : 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::uint64_t messages = bucket.messages[lane];
      out.lanes[lane].waiting += messages;
      if (eligible) out.lanes[lane].eligible += messages;
      out.lanes[lane].would_move += static_cast<std::uint64_t>(std::llround(static_cast<double>(messages) * moves));
    }
  }
  std::uint64_t first = canary.messages;
  for (Forecast::Count& lane : out.lanes) {  // the high lane goes first
    if (canary.percent != 0) lane.would_move = lane.would_move * canary.percent / 100;
    if (canary.messages == 0) continue;
    lane.would_move = std::min(lane.would_move, first);
    first -= lane.would_move;
  }
  return out;
}

json::object to_json(const Forecast& forecast, const relay::Upstream& upstream, Canary canary, Time now) {
  const auto or_null = [](std::uint32_t n) { return n == 0 ? json::value(nullptr) : json::value(n); };
  json::object lanes;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    lanes[to_string(static_cast<Lane>(lane))] = count_json(forecast.lanes[lane]);
  json::object out{{"dry_run", true},
                   {"upstream", upstream.name()},
                   {"percent", or_null(canary.percent)},
                   {"messages", or_null(canary.messages)},
                   {"in_service", upstream.in_service(now)}};
  for (auto& member : count_json(forecast.all())) out[member.key()] = member.value();
  out["lanes"] = std::move(lanes);
  return out;
}

}  // namespace postrider::mgmt
