#include "relay/outbound/upstream.h"

#include <algorithm>
#include <utility>

namespace postrider::relay {

namespace {

// Route failures in a row after which a hand-over is worth a look at what failed: one alone may be a message's own (a sender that
// is not verified), and would revive itself for ever.
constexpr std::uint32_t kWorthRevival = 2;
constexpr Duration kSamePause = std::chrono::seconds(1);

// The word of Upstream::probe_interval_state_, taken apart.
struct ProbeInterval {
  static constexpr std::uint64_t kMostPasses = 0xff;
  std::int64_t ends_ms;
  std::uint64_t passes;

  explicit ProbeInterval(std::uint64_t word)
      : ends_ms(static_cast<std::int64_t>(word >> 8)), passes(word & kMostPasses) {}
  ProbeInterval(Time ends, std::uint64_t p) : ends_ms(to_ms(ends)), passes(p) {}
  std::uint64_t word() const { return (static_cast<std::uint64_t>(ends_ms) << 8) | passes; }
  // Also true when the clock was set back so far that the end lies further ahead than an interval is long.
  bool over(Time now, Duration interval) const {
    return to_ms(now) >= ends_ms || ends_ms - to_ms(now) > interval.count();
  }
};

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::closed:
      return "closed";
    case Health::open:
      return "open";
    case Health::probing:
      return "probing";
  }
  return "closed";
}

ProbePass& ProbePass::operator=(ProbePass&& other) noexcept {
  if (this != &other) {
    end();
    upstream_ = std::exchange(other.upstream_, nullptr);
  }
  return *this;
}

void ProbePass::give_back() {
  if (upstream_ != nullptr) upstream_->refund_probe();
  end();
}

void ProbePass::end() {
  if (Upstream* upstream = std::exchange(upstream_, nullptr)) upstream->end_probe();
}

Upstream::Upstream(UpstreamConfig config, HealthPolicy policy)
    : name_(config.name), connections_(config.max_connections) {
  configs_.push_back(std::make_unique<const UpstreamConfig>(std::move(config)));
  policies_.push_back(std::make_unique<const HealthPolicy>(policy));
  config_.store(configs_.back().get());
  policy_.store(policies_.back().get());
  rate_.set(this->config().rate);
  day_.set_limit(this->config().daily_quota);
  month_.set_limit(this->config().monthly_quota);
}

void Upstream::reconfigure(UpstreamConfig config, HealthPolicy policy) {
  connections_.set_limit(config.max_connections);
  rate_.set(config.rate);
  day_.set_limit(config.daily_quota);
  month_.set_limit(config.monthly_quota);
  configs_.push_back(std::make_unique<const UpstreamConfig>(std::move(config)));
  policies_.push_back(std::make_unique<const HealthPolicy>(policy));
  config_.store(configs_.back().get(), std::memory_order_release);
  policy_.store(policies_.back().get(), std::memory_order_release);
  probe_interval_state_.store(0, std::memory_order_relaxed);
}

bool Upstream::skipped_for_pause(Time now) const {
  return paused(now) && paused_until() - now > config().spill_after;
}

bool Upstream::in_service(Time now) const {
  return health() == Health::closed && !stopped() && !skipped_for_pause(now) && quota(now) != Quota::Leave::used_up;
}

bool Upstream::worth_a_probe(Time now) const {
  return health() != Health::closed && !stopped() && !paused(now) && quota(now) == Quota::Leave::yes;
}

Quota::Leave Upstream::quota(Time now) const {
  return std::max(day_.ask(now), month_.ask(now), [](Quota::Leave a, Quota::Leave b) {
    const auto weight = [](Quota::Leave l) {
      return l == Quota::Leave::used_up ? 2 : l == Quota::Leave::not_yet ? 1 : 0;
    };
    return weight(a) < weight(b);
  });
}

Quota::Leave Upstream::take_quota(std::uint32_t recipients, Time now) {
  const Quota::Leave day = day_.take(recipients, now);
  if (day != Quota::Leave::yes) return day;
  const Quota::Leave month = month_.take(recipients, now);
  if (month != Quota::Leave::yes) day_.give_back(recipients);
  return month;
}

void Upstream::give_back_quota(std::uint32_t recipients) {
  day_.give_back(recipients);
  month_.give_back(recipients);
}

bool Upstream::wants_mark() {
  const auto wants = [](const Quota& quota) { return quota.limited() && quota.wanted_mark() > quota.mark(); };
  return (wants(day_) || wants(month_)) && !mark_asked_.exchange(true, std::memory_order_acquire);
}

Time Upstream::quota_renewed(Time now) const {
  if (month_.ask(now) == Quota::Leave::used_up) return month_.period_end();
  return day_.period_end();
}

Change Upstream::note_hand_over(Time now) {
  sent_.fetch_add(1, std::memory_order_relaxed);
  answered_ms_.store(to_ms(now), std::memory_order_relaxed);
  window_.note(false, now, policy().open_window);
  const std::uint32_t failures = failures_.exchange(0, std::memory_order_relaxed);
  const bool first = !proven_.load(std::memory_order_relaxed) && !proven_.exchange(true, std::memory_order_relaxed);
  if (health() == Health::closed) return failures >= kWorthRevival || first ? Change::works_again : Change::none;
  if (recoveries_.fetch_add(1, std::memory_order_relaxed) + 1 < policy().recover_after) {
    probe_interval_state_.store(0, std::memory_order_relaxed);  // it works: the next probe may go at once
    return Change::none;
  }
  if (health_.exchange(Health::closed, std::memory_order_relaxed) == Health::closed) return Change::none;
  window_.clear();  // what opened it is over
  return Change::closed;
}

Change Upstream::note_route_failure(const Reason& reason, Time now) {
  route_failures_.fetch_add(1, std::memory_order_relaxed);
  last_failure_.store(std::make_shared<const Failure>(Failure{reason, now}));
  recoveries_.store(0, std::memory_order_relaxed);
  const HealthPolicy policy = this->policy();
  const FailureWindow::Counts counts = window_.note(true, now, policy.open_window);
  const std::uint32_t failures = failures_.fetch_add(1, std::memory_order_relaxed) + 1;
  const bool too_many = policy.open_rate != 0 && counts.all >= policy.open_sample &&
                        std::uint64_t{counts.failed} * 100 >= std::uint64_t{counts.all} * policy.open_rate;
  return (failures >= policy.open_after || too_many) && open(reason, now) ? Change::opened : Change::none;
}

Change Upstream::note_stalled(Time now) {
  const std::uint32_t stalled = stalled_.fetch_add(1, std::memory_order_relaxed) + 1;
  const HealthPolicy policy = this->policy();
  // Where others have their answers it does not hang: it is slow, and those that seem to stall wait for one of few connections.
  const std::int64_t quiet = to_ms(now) - answered_ms_.load(std::memory_order_relaxed);
  if (stalled < policy.open_after || (quiet >= 0 && quiet < policy.stall_after.count() / 2)) return Change::none;
  Reason reason;
  reason.cause = Cause::route;
  reason.stage = Stage::none;
  reason.text =
      std::to_string(stalled) + " attempts at once have had no answer for " + format_duration(policy.stall_after);
  if (!open(reason, now)) return Change::none;
  last_failure_.store(std::make_shared<const Failure>(Failure{reason, now}));
  return Change::opened;
}

void Upstream::note_answer(Time now) {
  refusals_.fetch_add(1, std::memory_order_relaxed);
  answered_ms_.store(to_ms(now), std::memory_order_relaxed);
  window_.note(false, now, policy().open_window);
  failures_.store(0, std::memory_order_relaxed);
}

bool Upstream::open(const Reason&, Time now) {
  Health expected = Health::closed;
  if (!health_.compare_exchange_strong(expected, Health::open, std::memory_order_relaxed)) return false;
  recoveries_.store(0, std::memory_order_relaxed);
  probe_interval_state_.store(ProbeInterval(now + policy().probe_interval, ProbeInterval::kMostPasses).word(),
                              std::memory_order_relaxed);
  return true;
}

bool Upstream::pause_until(Time until, Time now, const Reason& why) {
  throttles_.fetch_add(1, std::memory_order_relaxed);
  if (!why.text.empty()) last_failure_.store(std::make_shared<const Failure>(Failure{why, now}));
  if (until <= now) until = now + policy().probe_interval;
  const std::int64_t wanted = to_ms(std::min(until, now + kLongestPause));
  std::int64_t current = paused_until_ms_.load(std::memory_order_relaxed);
  while (current < wanted || !is_ahead(current, now)) {
    // Many attempts at once are told the same: only the first of them is news.
    const bool news = !is_ahead(current, now) || wanted - current > kSamePause.count();
    if (paused_until_ms_.compare_exchange_weak(current, wanted, std::memory_order_relaxed)) return news;
  }
  return false;
}

bool Upstream::resume() {
  const bool was_paused = paused_until_ms_.exchange(0, std::memory_order_relaxed) != 0;
  probe_interval_state_.store(0, std::memory_order_relaxed);
  return stopped_.exchange(false) || was_paused;
}

void Upstream::restore(Health health, Stage opened_at, std::string last_error, Time paused_until, bool stopped,
                       Time kept_at, Time now) {
  stopped_.store(stopped);
  if (paused_until > now) paused_until_ms_.store(to_ms(std::min(paused_until, now + kLongestPause)));
  if (!last_error.empty()) {
    Reason reason;
    reason.cause = health == Health::closed && paused_until > now ? Cause::throttle : Cause::route;
    reason.stage = opened_at;
    reason.text = std::move(last_error);
    last_failure_.store(std::make_shared<const Failure>(Failure{std::move(reason), kept_at}));
  }
  if (health != Health::closed)
    health_.store(Health::open);  // a probe may go at once: much may have happened meanwhile
}

Upstream::Tally Upstream::tally() const {
  Tally tally;
  for (std::size_t i = 0; i < attempts_.size(); ++i) tally.attempts[i] = attempts_[i].load(std::memory_order_relaxed);
  tally.sent = sent_.load(std::memory_order_relaxed);
  tally.route_failures = route_failures_.load(std::memory_order_relaxed);
  tally.refusals = refusals_.load(std::memory_order_relaxed);
  tally.throttles = throttles_.load(std::memory_order_relaxed);
  return tally;
}

std::optional<ProbePass> Upstream::begin_probe(std::uint32_t most, Time now) {
  if (!worth_a_probe(now)) return std::nullopt;
  const HealthPolicy policy = this->policy();
  if (probes_.fetch_add(1, std::memory_order_relaxed) >= most) {
    probes_.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  std::uint64_t word = probe_interval_state_.load(std::memory_order_relaxed);
  for (;;) {
    ProbeInterval interval(word);
    if (interval.over(now, policy.probe_interval)) {
      interval = ProbeInterval(now + policy.probe_interval, 0);
    } else if (interval.passes >= most) {
      probes_.fetch_sub(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    ++interval.passes;
    if (probe_interval_state_.compare_exchange_weak(word, interval.word(), std::memory_order_relaxed)) break;
  }
  Health expected = Health::open;
  health_.compare_exchange_strong(expected, Health::probing, std::memory_order_relaxed);
  return ProbePass(*this);
}

bool Upstream::probes_hang(std::uint32_t most, Time now) const {
  const ProbeInterval interval(probe_interval_state_.load(std::memory_order_relaxed));
  return probes_.load(std::memory_order_relaxed) >= most && interval.over(now, policy().probe_interval);
}

Time Upstream::next_probe(Time now) const {
  const HealthPolicy policy = this->policy();
  const ProbeInterval interval(probe_interval_state_.load(std::memory_order_relaxed));
  const Time free = interval.over(now, policy.probe_interval) ? now : from_ms(interval.ends_ms);
  return std::max(free, paused(now) ? paused_until() : now);
}

std::string Upstream::last_error() const {
  const auto failure = last_failure();
  return failure ? failure->reason.text : std::string();
}

void Upstream::end_probe() {
  if (probes_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  Health expected = Health::probing;
  health_.compare_exchange_strong(expected, Health::open, std::memory_order_relaxed);
}

void Upstream::refund_probe() {
  std::uint64_t word = probe_interval_state_.load(std::memory_order_relaxed);
  for (;;) {
    ProbeInterval interval(word);
    if (interval.passes == 0 || interval.passes == ProbeInterval::kMostPasses) return;
    --interval.passes;
    if (probe_interval_state_.compare_exchange_weak(word, interval.word(), std::memory_order_relaxed)) return;
  }
}

}  // namespace postrider::relay
