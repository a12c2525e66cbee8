#include "relay/outbound/notice_writer.h"

#include <utility>

#include "core/header_fields.h"
#include "net/await.h"
#include "relay/outbound/body_source.h"
#include "relay/outbound/notice_builder.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kAgain = std::chrono::seconds(30);  // after a notice that the spool could not take
constexpr std::size_t kPage = 100;

using Chunks = std::vector<std::shared_ptr<const std::string>>;

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
    again_->cancel();
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
      if (stopping_ || parts_.submission.can_accept(0)) co_return false;  // a full spool takes none of them
      const bool paid = co_await try_to_pay(id);
      all = all && paid;
      query.after = id;
    }
    more = page->more;
  }
  co_return all;
}

// One message never stops the others, whatever is wrong with it.
asio::awaitable<bool> NoticeWriter::try_to_pay(MessageId id) {
  try {
    const bool paid = co_await pay(id);
    co_return paid;
  } catch (const std::exception& e) {
    if (parts_.log.enabled(LogLevel::error))
      parts_.log.write(LogLevel::error, "task.failed", &id, {{"task", "notice"}, {"reason", e.what()}});
  }
  co_return false;
}

// Each notice changes the record, and may let its body go: it is read anew for the next.
asio::awaitable<bool> NoticeWriter::pay(MessageId id) {
  for (const Notice kind : {Notice::failed, Notice::delayed, Notice::relayed}) {
    auto start = [this, id](Done<MessageRecord> done) { parts_.store.find(id, std::move(done)); };
    const result<MessageRecord> message = co_await net::await_done<MessageRecord>(parts_.loop, start);
    if (!message) co_return message.error().kind != FaultKind::unavailable;  // gone or in quarantine: nothing to tell
    if (owing(*message, kind).empty()) continue;
    const Written written = co_await write(*message, kind);
    if (written != Written::yes) co_return false;
  }
  co_return true;
}

asio::awaitable<NoticeWriter::Written> NoticeWriter::write(const MessageRecord& message, Notice kind) {
  const MessageId id = message.id;
  auto start = [this, id](Done<std::vector<Event>> done) { parts_.store.history(id, std::move(done)); };
  result<std::vector<Event>> history = co_await net::await_done<std::vector<Event>>(parts_.loop, start);
  if (!history) history = std::vector<Event>();  // it only tells who said what

  const std::vector<std::uint32_t> recipients = owing(message, kind);
  const NoticeSubject subject{message, recipients, *history};
  std::optional<std::string> header;  // without one the message is returned whole
  Written written = Written::unreadable;
  if (may_return_whole(subject) && message.body_size <= options_.max_returned)
    written = co_await submit(subject, header);
  if (written != Written::unreadable) co_return written;
  result<std::string> fields = co_await header_of(id);
  if (!fields) co_return Written::later;
  header = std::move(*fields);
  written = co_await submit(subject, header);
  co_return written;
}

asio::awaitable<NoticeWriter::Written> NoticeWriter::submit(const NoticeSubject& subject,
                                                            const std::optional<std::string>& header) {
  const MessageRecord& message = subject.message;
  const NoticeContext context{options_.hostname, parts_.clock.now(), options_.max_age};
  const NoticeFrame frame = build_notice(subject, context, header);
  const std::unique_ptr<Intake> intake = parts_.submission.begin(envelope(subject));
  co_await intake->write(frame.head);
  if (!header) {
    const result<Nothing> copied = co_await copy_body(*intake, message);
    if (!copied) co_return copied.error().kind == FaultKind::unavailable ? Written::later : Written::unreadable;
  }
  co_await intake->write(frame.tail);
  const SubmissionResult done = co_await intake->commit();
  if (done.reply.code != 250) {
    parts_.log.write(LogLevel::warn, "notice.not_stored", &message.id, {{"reason", done.reply.text()}});
    co_return Written::later;
  }
  parts_.log.write(LogLevel::info, "notice.written", &message.id,
                   {{"kind", std::string(to_string(subject.kind()))},
                    {"to", message.envelope.sender.str()},
                    {"notice", done.id->str()}});
  co_return Written::yes;
}

// The aliases hold for notices, too: what cron sends as `root` comes back to whoever reads root's mail.
EnvelopeSpec NoticeWriter::envelope(const NoticeSubject& subject) {
  const MessageRecord& message = subject.message;
  EnvelopeSpec envelope;
  envelope.door = Door::bounce;
  envelope.tenant = message.envelope.tenant;
  RecipientSpec& to = envelope.recipients.emplace_back();
  to.address = message.envelope.sender;
  parts_.submission.check_recipient(envelope, to);  // refuses only the null path, to which nothing is owed
  to.notify.never = true;                           // RFC 3461 6.1
  envelope.smtputf8 = true;  // asked for where an address needs it; all else in a notice is ASCII
  envelope.notifies.emplace();
  envelope.notifies->id = message.id;
  envelope.notifies->recipients = subject.recipients;
  envelope.notifies->remove_body = options_.remove_sent_body;
  return envelope;
}

// The header fields of a message; empty if nobody can read them any more. A body that retention removes between two looks
// leaves its header in the record.
asio::awaitable<result<std::string>> NoticeWriter::header_of(MessageId id) {
  for (int look = 0; look < 2; ++look) {
    auto find = [this, id](Done<MessageRecord> done) { parts_.store.find(id, std::move(done)); };
    result<MessageRecord> message = co_await net::await_done<MessageRecord>(parts_.loop, find);
    if (!message) co_return message.error();
    if (message->body == BodyState::removed) co_return std::move(message->headers);
    const storage::BodyQuery query{id, 0, 1};
    auto read = [this, query](Done<Chunks> done) { parts_.store.read_body(query, std::move(done)); };
    const result<Chunks> chunks = co_await net::await_done<Chunks>(parts_.loop, read);
    if (chunks && !chunks->empty()) co_return std::string(header_fields(*chunks->front()));
    if (!chunks && chunks.error().kind == FaultKind::unavailable) co_return chunks.error();
  }
  co_return std::string();
}

asio::awaitable<result<Nothing>> NoticeWriter::copy_body(Intake& intake, const MessageRecord& message) {
  const std::unique_ptr<BodySource> body =
      make_body_source(parts_.store, parts_.loop, message, {}, message.body_chunks);
  for (;;) {
    const auto chunk = co_await body->next();
    if (!chunk) co_return chunk.error();
    if (!*chunk) co_return Nothing{};
    co_await intake.write(**chunk);
  }
}

}  // namespace postrider::relay
