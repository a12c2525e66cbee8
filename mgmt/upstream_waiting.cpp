#include "mgmt/upstream_waiting.h"

#include "net/await.h"

namespace postrider::mgmt {

namespace asio = boost::asio;

std::uint64_t WaitingMail::all() const {
  std::uint64_t sum = 0;
  for (const WaitingBucket& bucket : buckets) sum += bucket.total();
  return sum;
}

std::uint64_t WaitingMail::for_upstream(std::size_t upstream) const {
  std::uint64_t sum = 0;
  for (const WaitingBucket& bucket : buckets)
    if (relay::has(bucket.set, upstream)) sum += bucket.total();
  return sum;
}

std::uint64_t WaitingMail::for_nobody() const {
  std::uint64_t sum = 0;
  for (const WaitingBucket& bucket : buckets)
    if (bucket.set == 0) sum += bucket.total();
  return sum;
}

asio::awaitable<result<std::shared_ptr<const WaitingMail>>> WaitingBook::read(
    std::shared_ptr<const relay::Routes> routes) {
  const bool usable = known_ && known_for_ == routes;
  if (usable && (walking_ || clock_.monotonic() - known_at_ < kKept)) co_return known_;
  walking_ = true;
  const auto mail = co_await walk(routes);
  walking_ = false;
  if (!mail) co_return mail.error();
  known_ = *mail;
  known_for_ = std::move(routes);
  known_at_ = clock_.monotonic();
  co_return known_;
}

asio::awaitable<result<std::shared_ptr<const WaitingMail>>> WaitingBook::walk(
    std::shared_ptr<const relay::Routes> routes) {
  auto start = [this](Done<Rows> done) { store_.waiting(std::move(done)); };
  const auto rows = co_await net::await_done<Rows>(home_, start);
  if (!rows) co_return rows.error();
  auto mail = std::make_shared<WaitingMail>();
  const std::uint32_t everybody = routes->bucket(routes->all());
  std::optional<std::uint32_t> current;
  for (const storage::Waiting& row : *rows) {
    const std::uint32_t route = relay::Routes::bucket_class(row.bucket);
    if (route != current) {
      current = route;
      WaitingBucket bucket;
      bucket.set = routes->all();
      if (route != everybody && mail->buckets.size() < kMaxLookedInto)
        bucket.set = co_await set_of(*routes, row.bucket, row.lane);
      mail->buckets.push_back(bucket);
    }
    mail->buckets.back().messages[static_cast<std::size_t>(row.lane)] += row.messages;
  }
  co_return std::shared_ptr<const WaitingMail>(std::move(mail));
}

// A bucket's number says nothing by itself, and after a reload it is that of a route that may be gone: so one message in it is asked.
asio::awaitable<relay::UpstreamSet> WaitingBook::set_of(const relay::Routes& routes, std::uint32_t bucket, Lane lane) {
  storage::DueQuery query;
  query.bucket = bucket;
  query.lane = lane;
  query.limit = 1;
  auto look = [&](Done<storage::DuePage> done) { store_.due(query, std::move(done)); };
  const auto page = co_await net::await_done<storage::DuePage>(home_, look);
  if (!page || page->entries.empty()) co_return routes.all();
  const MessageId id = page->entries.front().key.id;
  auto find = [&](Done<MessageRecord> done) { store_.find(id, std::move(done)); };
  const auto message = co_await net::await_done<MessageRecord>(home_, find);
  co_return message ? routes.eligible(*message) : routes.all();
}

}  // namespace postrider::mgmt
