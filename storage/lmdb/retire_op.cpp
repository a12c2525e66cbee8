// Retention, one bounded step. No index of ages is kept: the feed is in commit order, and a finished message gets no
// further row, so three durable cursors walk it, oldest first: one for whole messages, one each for the bodies of sent and
// of failed ones. Only the last row of a message decides; the rows before it, and all rows of a live message, are passed
// over for good, because what ends or changes the message writes another row further on.
#include <algorithm>
#include <utility>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/record_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint64_t kBytesPerStep = 64ull << 20;  // freed in one transaction at most, about

enum class Next { pass, stop };

class Walk {
 public:
  Walk(WriteContext& context, const RetireRequest& request, Retired& retired)
      : context_(context), request_(request), retired_(retired) {}

  // Looks at rows from `cursor` on and moves it, until one is too young, the feed ends or the budget is used up.
  template <typename Look>
  void along(std::uint64_t& cursor, Look look) {
    Cursor rows(context_.txn(), context_.tables().feed);
    for (std::size_t seen = 0; rows.seek(seq_key(cursor)); ++seen) {
      if (seen >= request_.max_rows || retired_.bytes >= kBytesPerStep) {
        retired_.more = true;
        return;
      }
      if (rows.key().size() != 8) {
        context_.quarantine({Origin::feed, std::string(rows.key()), "the key is not a number"}, request_.now);
        continue;
      }
      const std::uint64_t seq = load_be(rows.key());
      const auto row = decode_feed_row(rows.value(), seq);
      if (!row) {
        context_.quarantine({Origin::feed, std::string(rows.key()), row.error().text}, request_.now);
      } else if (look(*row) == Next::stop) {
        return;
      }
      cursor = seq + 1;
    }
  }

  Next history(const FeedRow& row) {
    const bool too_much = crowded();
    auto message = context_.load(row.message);
    if (!message) {  // its record is in quarantine
      if (!too_much && row.events.back().at + request_.policy.history > request_.now) return Next::stop;
      context_.txn().erase(context_.tables().feed, seq_key(row.first_seq));
      return Next::pass;
    }
    const MessageRecord& record = message->record();
    if (!ends(record, row)) return Next::pass;
    if (!too_much && !history_expired(record, request_.policy, request_.now)) {
      if (finished_at(record) + request_.policy.history > request_.now) return Next::stop;
      // A body that is kept for longer gets a row of its own when it goes; unless space runs short before.
      if (context_.meta().passed_over == 0) context_.meta().passed_over = row.first_seq;
      return Next::pass;
    }
    retired_.bytes += context_.erase(*message);
    ++retired_.messages;
    return Next::pass;
  }

  // At the feed's end, still too much, and something was left behind: the next step takes it.
  void turn_back() {
    Meta& meta = context_.meta();
    if (!crowded() || meta.passed_over == 0 || retired_.more) return;
    meta.history_cursor = std::exchange(meta.passed_over, 0);
    retired_.more = true;
  }

  Next body(const FeedRow& row, bool wanted) {
    auto message = context_.load(row.message);
    if (!message) return Next::pass;
    MessageRecord& record = message->record();
    if (!ends(record, row) || record.body == BodyState::removed || body_wanted(record) != wanted) return Next::pass;
    if (!body_expired(record, request_.policy, request_.now)) return Next::stop;
    const std::uint64_t before = message->before.bytes;
    context_.drop_body(record);
    context_.append(message->stored, {remove_body(record, request_.now)});
    context_.save(*message, WriteContext::Notice::quiet);
    retired_.bytes += before - std::min(before, message->before.bytes);
    ++retired_.bodies;
    return Next::pass;
  }

  // Idempotency keys whose time is over.
  void keys() {
    const Tables& tables = context_.tables();
    for (std::size_t seen = 0;; ++seen) {
      std::string expiry;
      {
        Cursor cursor(context_.txn(), tables.idem_expiry);
        if (!cursor.first()) return;
        expiry = cursor.key();
      }
      const auto expires = static_cast<std::int64_t>(load_be(std::string_view(expiry).substr(0, 8)));
      if (from_ms(expires) > request_.now) return;
      if (seen == request_.max_rows) {
        retired_.more = true;
        return;
      }
      const std::string_view hash = std::string_view(expiry).substr(8);
      const auto value = context_.txn().get(tables.idem, hash);
      // The key may have been given again since: then a later entry stands for it.
      if (value && value->size() >= 32 && wire::load_le<std::int64_t>(value->data() + 24) == expires)
        context_.txn().erase(tables.idem, hash);
      context_.txn().erase(tables.idem_expiry, expiry);
    }
  }

 private:
  bool crowded() const { return context_.meta().finished_bytes > request_.policy.history_max_bytes; }
  // Whether this row is the last word on a message that is at rest.
  static bool ends(const MessageRecord& record, const FeedRow& row) {
    return !record.history.empty() && record.history.back() == row.first_seq && !record.live();
  }

  WriteContext& context_;
  const RetireRequest& request_;
  Retired& retired_;
};

}  // namespace

Retire::Retire(RetireRequest request, Done<Retired> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, std::uint64_t{64} << 10), request_(request) {}

void Retire::run(WriteContext& context) {
  Retired retired;
  Walk walk(context, request_, retired);
  Meta& meta = context.meta();
  walk.along(meta.history_cursor, [&](const FeedRow& row) { return walk.history(row); });
  walk.turn_back();
  walk.along(meta.failed_cursor, [&](const FeedRow& row) { return walk.body(row, true); });
  walk.along(meta.sent_cursor, [&](const FeedRow& row) { return walk.body(row, false); });
  walk.keys();
  answer_with(retired);
}

}  // namespace postrider::storage::lmdb
