// Retention, one bounded step. No index of ages is kept: the feed is in commit order, and a finished message gets no
// further row, so three durable cursors walk it, oldest first: one for whole messages, one each for the bodies of sent and
// of failed ones. Only the last row of a message decides; the rows before it, and all rows of a live message, are passed
// over for good, because what ends or changes the message writes another row further on.
#include <algorithm>
#include <utility>
#include <vector>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/record_rules.h"
#include "storage/retention_rules.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint64_t kBytesPerStep = 64ull << 20;  // freed in one transaction at most, about

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
      if (!std::binary_search(of_no_interest_.begin(), of_no_interest_.end(), seq)) {
        const auto row = decode_feed_row(rows.value(), seq);
        if (!row) {
          context_.quarantine({Origin::feed, std::string(rows.key()), row.error().text}, request_.now);
        } else if (look(*row) == Fate::stop) {
          return;
        }
      }
      cursor = seq + 1;
    }
  }

  Fate history(const FeedRow& row) {
    if (row.message.is_nil()) return Fate::pass;  // of an upstream: see upstream_rows()
    const bool too_much = crowded();
    auto message = context_.load(row.message);
    if (!message) {  // its record is in quarantine
      if (!too_much && row.events.back().at + request_.policy.history > request_.now) return Fate::stop;
      context_.txn().erase(context_.tables().feed, seq_key(row.first_seq));
      return Fate::pass;
    }
    const Fate fate = history_fate(message->record(), row.first_seq, request_, too_much);
    if (fate == Fate::leave && context_.meta().passed_over == 0) context_.meta().passed_over = row.first_seq;
    if (fate == Fate::take) {
      retired_.bytes += context_.erase(*message);
      ++retired_.messages;
    }
    if (fate == Fate::body_first) take_body(*message);
    return fate;
  }

  // At the feed's end, still too much, and something was left behind: the next step takes it.
  void turn_back() {
    Meta& meta = context_.meta();
    if (!crowded() || meta.passed_over == 0 || retired_.more) return;
    meta.history_cursor = std::exchange(meta.passed_over, 0);
    retired_.more = true;
  }

  // The first of the two walks over bodies also notes what neither has to look at again: most bodies go when they are sent.
  Fate body(const FeedRow& row, bool wanted) {
    if (!may_end(row.events.back())) return of_no_interest(row);
    auto message = context_.load(row.message);
    if (!message) return Fate::pass;
    MessageRecord& record = message->record();
    if (record.body == BodyState::removed) return of_no_interest(row);
    const Fate fate = body_fate(record, row.first_seq, wanted, request_);
    if (fate == Fate::take) take_body(*message);
    return fate;
  }

  // Debts that nobody will pay.
  void forgive() {
    std::vector<MessageId> ids;
    {
      Cursor owing(context_.txn(), context_.tables().owing);
      for (bool found = owing.first(); found && ids.size() < request_.max_rows; found = owing.next()) {
        if (const auto id = parse_id(owing.key())) ids.push_back(*id);
      }
    }
    for (const MessageId& id : ids) {
      auto message = context_.load(id);
      if (!message) {
        context_.txn().erase(context_.tables().owing, id_key(id));
        continue;
      }
      context_.append(message->stored, forgive_record(message->record(), request_.now));
      context_.save(*message, WriteContext::Notice::quiet);
    }
    if (ids.size() == request_.max_rows) retired_.more = true;
  }

  // Events of upstreams go by their age alone.
  void upstream_rows() {
    const Tables& tables = context_.tables();
    for (std::size_t seen = 0;; ++seen) {
      std::string seq;
      {
        Cursor cursor(context_.txn(), tables.upstream_feed);
        if (!cursor.first()) return;
        const bool whole = cursor.value().size() == 8;
        if (whole &&
            from_ms(wire::load_le<std::int64_t>(cursor.value().data())) + request_.policy.history > request_.now)
          return;
        seq = cursor.key();
      }
      if (seen == request_.max_rows) {
        retired_.more = true;
        return;
      }
      context_.txn().erase(tables.feed, seq);
      context_.txn().erase(tables.upstream_feed, seq);
    }
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
  void take_body(Loaded& message) {
    MessageRecord& record = message.record();
    const std::uint64_t before = message.before.bytes;
    context_.append(message.stored, {remove_body(record, request_.now, request_.notify_sender)});
    context_.drop_body(record);
    context_.save(message, WriteContext::Notice::quiet);
    retired_.bytes += before - std::min(before, message.before.bytes);
    ++retired_.bodies;
    if (record.owes_notice()) ++retired_.owing;
  }
  Fate of_no_interest(const FeedRow& row) {
    if (of_no_interest_.empty() || of_no_interest_.back() < row.first_seq) of_no_interest_.push_back(row.first_seq);
    return Fate::pass;
  }

  WriteContext& context_;
  const RetireRequest& request_;
  Retired& retired_;
  std::vector<std::uint64_t> of_no_interest_;  // to the walks over bodies; ascending
};

}  // namespace

Retire::Retire(RetireRequest request, Done<Retired> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, std::uint64_t{64} << 10), request_(request) {}

void Retire::run(WriteContext& context) {
  Retired retired;
  Walk walk(context, request_, retired);
  Meta& meta = context.meta();
  if (!request_.notify_sender) walk.forgive();
  walk.along(meta.history_cursor, [&](const FeedRow& row) { return walk.history(row); });
  walk.turn_back();
  walk.along(meta.failed_cursor, [&](const FeedRow& row) { return walk.body(row, true); });
  walk.along(meta.sent_cursor, [&](const FeedRow& row) { return walk.body(row, false); });
  walk.upstream_rows();
  walk.keys();
  answer_with(retired);
}

}  // namespace postrider::storage::lmdb
