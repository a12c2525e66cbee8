// Layout of a row of the event feed, after the header of record_frame.h (whose aux is the number of events):
//
//   row     := first_seq:u64 event*aux                              event i has the number first_seq + i
//   event   := type:u8 at:i64 recipient:varint reason actor:string [upstream:string] flags:u8 [attempt] [report]
//              recipient: 0 all of the message's, else its index + 1; upstream: with upstream_* only
//              flags: 1 attempt is given, 2 report is
//   report  := upstream:string report:u64                           of what a provider reported: who, and what it calls it
//   attempt := upstream:string peer:string tls:string started_at:i64 duration_ms:varint stage:u8 outcome:u8 reason
//              remote_id:string why:string flags:u8 count:varint (recipient:varint outcome:u8 reason)*count
//              flags: 1 counted, 2 lossy, 4 provider_id
//   reason  := 0 | 1 fields | 2        2: the same as the last reason with fields before it in this row; fields and the
//                                      rest as in record_codec.cpp
//
// What an upstream said stands in the attempt, on each of its recipients and in each recipient's own event: the back
// reference keeps a row about as long as what was said once.
#include <string>

#include "storage/reason_codec.h"
#include "storage/record_codec.h"
#include "storage/record_frame.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

using wire::Put;
using wire::Take;

constexpr unsigned kEventTypes = static_cast<unsigned>(EventType::processed) + 1;
constexpr std::size_t kLeastEvent = 13, kLeastOutcome = 3;

class RowWriter {
 public:
  explicit RowWriter(std::string& out) : out_(out) {}

  void row(const FeedRow& row) {
    out_.u64(row.first_seq);
    for (const Event& event : row.events) put(event);
  }

 private:
  void put(const Event& event) {
    out_.u8(static_cast<std::uint8_t>(event.type));
    out_.i64(to_ms(event.at));
    out_.varint(event.recipient == kAllRecipients ? 0 : std::uint64_t{event.recipient} + 1);
    put(event.reason);
    out_.string(event.actor);
    if (is_upstream_event(event.type)) out_.string(event.upstream);
    out_.u8(static_cast<std::uint8_t>((event.attempt ? 1 : 0) | (event.report != 0 ? 2 : 0)));
    if (event.attempt) put(*event.attempt);
    if (event.report == 0) return;
    out_.string(event.upstream);
    out_.u64(event.report);
  }
  void put(const Attempt& attempt) {
    out_.string(attempt.upstream);
    out_.string(attempt.peer);
    out_.string(attempt.tls);
    out_.i64(to_ms(attempt.started_at));
    out_.varint(attempt.duration_ms);
    out_.u8(static_cast<std::uint8_t>(attempt.stage));
    out_.u8(static_cast<std::uint8_t>(attempt.outcome));
    put(attempt.reason);
    out_.string(attempt.remote_id);
    out_.string(attempt.why);
    out_.u8(
        static_cast<std::uint8_t>((attempt.counted ? 1 : 0) | (attempt.lossy ? 2 : 0) | (attempt.provider_id ? 4 : 0)));
    out_.varint(attempt.recipients.size());
    for (const RecipientOutcome& outcome : attempt.recipients) {
      out_.varint(outcome.recipient);
      out_.u8(static_cast<std::uint8_t>(outcome.kind));
      put(outcome.reason);
    }
  }
  void put(const Reason& reason) {
    if (last_ && *last_ == reason) return out_.u8(2);
    put_reason(out_, reason);
    if (reason != Reason{}) last_ = &reason;
  }

  Put out_;
  const Reason* last_ = nullptr;  // into the row being written
};

class RowReader {
 public:
  explicit RowReader(std::string_view in) : in_(in) {}

  bool row(std::size_t events, FeedRow& row) {
    row.first_seq = in_.u64();
    row.events.resize(events);
    for (std::size_t i = 0; i < events; ++i) {
      Event& event = row.events[i];
      take(event);
      event.message = row.message;
      event.seq = row.first_seq + i;
    }
    return in_.ok_and_empty();
  }

 private:
  void take(Event& event) {
    event.type = in_.enumerator<EventType>(kEventTypes);
    event.at = from_ms(in_.i64());
    const std::uint64_t recipient = in_.varint();
    event.recipient = recipient == 0 ? kAllRecipients : static_cast<std::uint32_t>(recipient - 1);
    event.reason = reason();
    event.actor = in_.string();
    if (is_upstream_event(event.type)) event.upstream = in_.string();
    const std::uint8_t flags = in_.u8();
    if (flags > 3) in_.fail();
    if ((flags & 1) != 0) {
      event.attempt = std::make_shared<Attempt>();
      take(*event.attempt);
    }
    if ((flags & 2) == 0) return;
    event.upstream = in_.string();
    event.report = in_.u64();
    if (event.report == 0) in_.fail();
  }
  void take(Attempt& attempt) {
    attempt.upstream = in_.string();
    attempt.peer = in_.string();
    attempt.tls = in_.string();
    attempt.started_at = from_ms(in_.i64());
    attempt.duration_ms = static_cast<std::uint32_t>(in_.varint());
    attempt.stage = in_.enumerator<Stage>(kStages);
    attempt.outcome = in_.enumerator<OutcomeKind>(kOutcomes);
    attempt.reason = reason();
    attempt.remote_id = in_.string();
    attempt.why = in_.string();
    const std::uint8_t flags = in_.u8();
    if (flags > 7) in_.fail();
    attempt.counted = (flags & 1) != 0;
    attempt.lossy = (flags & 2) != 0;
    attempt.provider_id = (flags & 4) != 0;
    attempt.recipients.resize(in_.count(kLeastOutcome));
    for (RecipientOutcome& outcome : attempt.recipients) {
      outcome.recipient = static_cast<std::uint32_t>(in_.varint());
      outcome.kind = in_.enumerator<OutcomeKind>(kOutcomes);
      outcome.reason = reason();
    }
  }
  Reason reason() {
    switch (in_.u8()) {
      case 0:
        return {};
      case 1:
        last_ = take_reason_fields(in_);
        return last_;
      case 2:
        return last_;
      default:
        in_.fail();
        return {};
    }
  }

  Take in_;
  Reason last_;
};

}  // namespace

void encode_feed_row(const FeedRow& row, std::string& out) {
  out.resize(kRecordHeader);
  write_frame({Magic::events, static_cast<std::uint32_t>(row.events.size()), row.message}, out.data());
  RowWriter(out).row(row);
  seal_frame(out.data(), out.size());
}

result<FeedRow> decode_feed_row(std::string_view value, std::uint64_t first_seq) {
  FeedRow row;
  if (value.size() >= kRecordHeader) {  // a row is looked up by number: the message it is about is its own word
    std::array<std::uint8_t, MessageId::kBytes> id;
    std::memcpy(id.data(), value.data() + kRecordHeader - MessageId::kBytes, id.size());
    row.message = MessageId(id);
  }
  auto opened = open_frame(value, Magic::events, row.message);
  if (!opened) return opened.error();
  if (opened->aux == 0 || opened->aux > opened->payload.size() / kLeastEvent) return damaged("the row has no events");
  if (!RowReader(opened->payload).row(opened->aux, row)) return damaged("the row's fields do not fill it");
  if (row.first_seq != first_seq) return damaged("the row has another number than its key");
  return row;
}

}  // namespace postrider::storage
