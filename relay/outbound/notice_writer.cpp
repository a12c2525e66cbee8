#include "relay/outbound/notice_writer.h"

#include <utility>

#include "net/await.h"
#include "relay/outbound/notice_builder.h"
#include "storage/header_fields.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kAgain = std::chrono::seconds(30);  // after a notice that the spool could not take
constexpr std::size_t kPage = 100;

std::vector<std::uint32_t> owing(const MessageRecord& message, Notice kind) {
  std::vector<std::uint32_t> recipients;
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    if (message.recipients[i].owed == kind) recipients.push_back(i);
  }
  return recipients;
}

}  // namespace

NoticeWriter::NoticeWriter(const NoticeParts& parts, NoticeOptions options)
    : parts_(parts),
      options_(std::move(options)),
      tasks_(parts_.loop,
             [this](std::string_view task, const std::exception& e) {
               parts_.log.error("task.failed", {{"task", std::string(task)}, {"reason", e.what()}});
             }),
      work_(parts_.loop),
      again_(parts_.alarms.make_alarm()) {}

void NoticeWriter::start() {
  tasks_.spawn("notices", work());
}

asio::awaitable<void> NoticeWriter::drain() {
  stopping_ = true;
  again_->cancel();
  work_.signal();
  co_await tasks_.drain();
}

asio::awaitable<void> NoticeWriter::work() {
  while (!stopping_) {
    const bool all = co_await pay_all();
    if (!all && !stopping_) again_->set(parts_.clock.now() + kAgain, [this] { work_.signal(); });
    co_await work_.wait();
  }
}

asio::awaitable<bool> NoticeWriter::pay_all() {
  bool all = true;
  storage::OwingQuery query;
  query.limit = kPage;
  for (bool more = true; more && !stopping_;) {
    auto start = [this, query](Done<storage::OwingPage> done) { parts_.store.owing(query, std::move(done)); };
    const result<storage::OwingPage> page = co_await net::await_done<storage::OwingPage>(parts_.loop, start);
    if (!page) co_return false;
    for (const MessageId& id : page->ids) {
      if (stopping_) co_return false;
      const bool paid = co_await pay(id);
      all = all && paid;
      query.after = id;
    }
    more = page->more;
  }
  co_return all;
}

asio::awaitable<bool> NoticeWriter::pay(MessageId id) {
  auto start = [this, id](Done<MessageRecord> done) { parts_.store.find(id, std::move(done)); };
  const result<MessageRecord> message = co_await net::await_done<MessageRecord>(parts_.loop, start);
  if (!message) co_return message.error().kind != FaultKind::unavailable;  // gone or in quarantine: nothing to tell
  bool all = true;
  for (const Notice kind : {Notice::failed, Notice::delayed, Notice::relayed}) {
    std::vector<std::uint32_t> recipients = owing(*message, kind);
    if (recipients.empty()) continue;
    const bool written = co_await write(*message, kind, std::move(recipients));
    all = all && written;
  }
  co_return all;
}

asio::awaitable<bool> NoticeWriter::write(const MessageRecord& message, Notice kind,
                                          std::vector<std::uint32_t> recipients) {
  const MessageId id = message.id;
  auto start = [this, id](Done<std::vector<Event>> done) { parts_.store.history(id, std::move(done)); };
  result<std::vector<Event>> history = co_await net::await_done<std::vector<Event>>(parts_.loop, start);
  if (!history) history = std::vector<Event>();  // it only tells who said what

  const bool whole = kind == Notice::failed && message.envelope.ret == DsnReturn::full &&
                     message.body == BodyState::present && message.body_size <= options_.max_returned;
  const Time give_up_at = message.recipients[recipients.front()].age_from + options_.max_age;
  const NoticeFrame frame = build_notice({message, recipients, *history}, options_.hostname, parts_.clock.now(),
                                         give_up_at, whole ? Returned::message : Returned::header);
  EnvelopeSpec envelope;
  envelope.door = Door::bounce;
  envelope.tenant = message.envelope.tenant;
  RecipientSpec& to = envelope.recipients.emplace_back();
  to.address = message.envelope.sender;
  to.notify.never = true;  // RFC 3461 6.1
  envelope.notifies.emplace();
  envelope.notifies->id = id;
  envelope.notifies->recipients = std::move(recipients);
  envelope.notifies->remove_body = options_.remove_sent_body;

  const std::unique_ptr<Intake> intake = parts_.submission.begin(std::move(envelope));
  co_await intake->write(frame.head);
  co_await give_back(*intake, message, whole);
  co_await intake->write(frame.tail);
  const SubmissionResult done = co_await intake->commit();
  const bool accepted = done.reply.code == 250;
  if (!accepted) parts_.log.write(LogLevel::warn, "notice.not_stored", &id, {{"reason", done.reply.text()}});
  if (accepted)
    parts_.log.write(LogLevel::info, "notice.written", &id,
                     {{"kind", std::string(to_string(kind))}, {"notice", done.id->str()}});
  co_return accepted;
}

// What the report returns: the body as it is, window by window, or its header. A body that cannot be read ends the part.
asio::awaitable<void> NoticeWriter::give_back(Intake& intake, const MessageRecord& message, bool whole) {
  if (message.body == BodyState::removed) {
    co_await intake.write(message.headers);
    co_return;
  }
  storage::BodyQuery query;
  query.id = message.id;
  query.count = whole ? query.count : 1;
  const std::uint32_t end = whole ? message.body_chunks : 1;
  for (; query.first_chunk < end; query.first_chunk += query.count) {
    using Chunks = std::vector<std::shared_ptr<const std::string>>;
    auto start = [this, query](Done<Chunks> done) { parts_.store.read_body(query, std::move(done)); };
    const result<Chunks> chunks = co_await net::await_done<Chunks>(parts_.loop, start);
    if (!chunks) co_return;
    for (const auto& chunk : *chunks) {
      const std::string_view octets = whole ? std::string_view(*chunk) : storage::header_fields(*chunk);
      co_await intake.write(octets);
    }
  }
}

}  // namespace postrider::relay
