#include "relay/inbound/maildrop_collector.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "relay/inbound/maildrop_file.h"
#include "relay/smtp/data_decoder.h"

namespace postrider::relay {

// What became of one file.
struct DropVerdict {
  enum class Kind : std::uint8_t {
    collected,  // stored
    refused,    // will never be mail: to bad/
    left,       // not now, because of this file
    stop,       // not now, because of us: nor any other
  };
  Kind kind = Kind::left;
  std::string reason;
  std::optional<MessageId> id;
};

namespace {

using Kind = DropVerdict::Kind;

constexpr std::size_t kPiece = 64 << 10;
constexpr std::size_t kMaxReported = 1000;

EnvelopeSpec make_spec(const MaildropEnvelope& envelope, const DropFile& file) {
  EnvelopeSpec spec;
  spec.door = Door::sendmail;
  spec.sender = envelope.sender;
  spec.envid = envelope.envid;
  spec.ret = envelope.ret;
  spec.smtputf8 = envelope.smtputf8;
  spec.declared_size = envelope.size;
  spec.may_steer = true;  // only users of this machine can write here
  spec.idempotency_key = envelope.key.empty() ? file.identity : envelope.key;
  spec.recipients.reserve(envelope.recipients.size());
  for (const MaildropRecipient& recipient : envelope.recipients)
    spec.recipients.push_back({recipient.address, recipient.orcpt, recipient.notify});
  return spec;
}

// The next octets of the file; empty at its end. Interrupted calls begin again.
result<std::string_view> read_piece(const DropFile& file, std::string& buffer) {
  for (;;) {
    const ssize_t got = ::read(file.descriptor.get(), buffer.data(), buffer.size());
    if (got >= 0) return std::string_view(buffer).substr(0, static_cast<std::size_t>(got));
    if (errno != EINTR) return Fault{FaultKind::unavailable, std::string("cannot be read: ") + std::strerror(errno)};
  }
}

// The pass is over, however it ends.
class Ended {
 public:
  explicit Ended(bool& passing) : passing_(passing) {}
  ~Ended() { passing_ = false; }
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;

 private:
  bool& passing_;
};

std::string owner_text(const DropFile& file) {
  return file.descriptor ? std::to_string(file.owner) : std::string();
}

// One file on its way through submission, without the waiting.
class DropReading {
 public:
  DropReading(Submission& submission, const DropFile& file) : submission_(submission), file_(file) {}

  // The next octets, empty at the end. False: there is a verdict; `collected` means that only the commit is missing. Either way
  // spans() are to be written to intake() now.
  bool take(std::string_view octets) {
    spans_.clear();
    if (octets.empty()) return finish();
    if (!intake_) {
      const MaildropReader::Step step = reader_.feed(octets);
      if (step.status == MaildropReader::Status::bad) return refuse(reader_.fault());
      if (step.status == MaildropReader::Status::need_more) return true;
      octets.remove_prefix(step.consumed);
      if (!admit()) return false;
    }
    octets_ += octets.size();
    if (octets_ > reader_.envelope().size) return refuse("is longer than its envelope says");
    checker_.feed(octets, spans_);
    return checker_.fault() == smtp::BodyFault::none || refuse(smtp::to_reply(checker_.fault()).text());
  }
  bool refuse(std::string reason) { return end(Kind::refused, std::move(reason)); }
  bool leave(std::string reason) { return end(Kind::left, std::move(reason)); }

  const smtp::Spans& spans() const { return spans_; }
  Intake& intake() { return *intake_; }
  const DropVerdict& verdict() const { return verdict_; }

 private:
  // What can be told before any octet of the message is read. The rules of [addresses] are applied in place.
  bool admit() {
    EnvelopeSpec spec = make_spec(reader_.envelope(), file_);
    std::optional<Reply> no = submission_.check_sender(spec);
    for (RecipientSpec& recipient : spec.recipients)
      if (!no) no = submission_.check_recipient(spec, recipient);
    if (!no) no = submission_.can_accept(spec.declared_size);
    if (no) return end(no->permanent() ? Kind::refused : Kind::stop, no->text());
    intake_ = submission_.begin(std::move(spec));
    return true;
  }

  bool finish() {
    if (!intake_) return refuse("ends within its envelope");
    if (octets_ != reader_.envelope().size)
      return refuse("has " + std::to_string(octets_) + " octets of message, its envelope says " +
                    std::to_string(reader_.envelope().size));
    checker_.finish(spans_);
    return end(Kind::collected, {});
  }

  bool end(Kind kind, std::string reason) {
    if (kind != Kind::collected) spans_.clear();
    verdict_.kind = kind;
    verdict_.reason = std::move(reason);
    return false;
  }

  Submission& submission_;
  const DropFile& file_;
  MaildropReader reader_;
  smtp::BodyChecker checker_{{smtp::BareNewline::normalise, 0, 0}};
  smtp::Spans spans_;
  std::unique_ptr<Intake> intake_;
  std::uint64_t octets_ = 0;
  DropVerdict verdict_;
};

}  // namespace

MaildropCollector::MaildropCollector(MaildropParts parts, std::string directory)
    : parts_(parts),
      directory_(std::move(directory)),
      alarm_(parts_.alarms.make_alarm()),
      tasks_(parts_.loop, [&log = parts_.log](std::string_view task, const std::exception& error) {
        log.error("task.failed", {{"task", std::string(task)}, {"reason", error.what()}});
      }) {}

void MaildropCollector::start() {
  scan();
}

void MaildropCollector::scan() {
  if (stopping_) return;
  look();
  alarm_->set(parts_.clock.now() + kScanInterval, [this] { scan(); });
}

void MaildropCollector::look() {
  if (stopping_) return;
  again_ = true;
  if (!std::exchange(passing_, true)) tasks_.spawn("maildrop pass", pass());
}

boost::asio::awaitable<void> MaildropCollector::drain() {
  stopping_ = over_ = true;
  alarm_->cancel();
  return tasks_.drain();
}

boost::asio::awaitable<void> MaildropCollector::pass() {
  const Ended ended(passing_);
  over_ = stopping_;
  while (again_ && !over_) {
    again_ = false;
    auto directory = MaildropDirectory::open(directory_);
    if (!directory) {
      leave(directory_, directory.error().text);
      break;
    }
    directory->remove_abandoned(parts_.clock.now());
    net::TaskGroup hands(parts_.loop, [&log = parts_.log](std::string_view task, const std::exception& error) {
      log.error("task.failed", {{"task", std::string(task)}, {"reason", error.what()}});
    });
    for (int i = 0; i < kInFlight; ++i) hands.spawn("maildrop file", take_files(*directory));
    co_await hands.drain();
  }
}

boost::asio::awaitable<void> MaildropCollector::take_files(MaildropDirectory& directory) {
  while (!over_) {
    std::optional<std::string> name = directory.next();
    if (!name) co_return;
    co_await take(directory, std::move(*name));
  }
}

boost::asio::awaitable<void> MaildropCollector::take(MaildropDirectory& directory, std::string name) {
  DropVerdict verdict;
  DropFile file;
  auto opened = directory.open_file(name);
  if (opened) {
    file = std::move(*opened);
    verdict = co_await submit(file);
  } else {
    if (opened.error().kind == FaultKind::not_found) co_return;
    if (opened.error().kind == FaultKind::invalid) verdict.kind = Kind::refused;
    verdict.reason = opened.error().text;
  }
  settle(directory, name, file, verdict);
}

boost::asio::awaitable<DropVerdict> MaildropCollector::submit(const DropFile& file) {
  DropReading reading(parts_.submission, file);
  std::string buffer(kPiece, '\0');
  for (bool more = true; more;) {
    const result<std::string_view> piece = read_piece(file, buffer);
    more = piece ? reading.take(*piece) : reading.leave(piece.error().text);
    for (const std::string_view span : reading.spans()) co_await reading.intake().write(span);
  }
  DropVerdict verdict = reading.verdict();
  if (verdict.kind != Kind::collected) co_return verdict;
  const SubmissionResult stored = co_await reading.intake().commit();
  verdict.id = stored.id;
  verdict.reason = stored.reply.text();
  if (!stored.id) verdict.kind = stored.reply.permanent() ? Kind::refused : Kind::stop;
  co_return verdict;
}

void MaildropCollector::settle(MaildropDirectory& directory, const std::string& name, const DropFile& file,
                               const DropVerdict& verdict) {
  switch (verdict.kind) {
    case Kind::collected:
      parts_.log.write(LogLevel::info, "maildrop.collected", &*verdict.id,
                       {{"file", name}, {"user", owner_text(file)}});
      // The next pass finds it again, and the key says that it is the same.
      if (!directory.remove(name)) leave(name, std::string("cannot be removed: ") + std::strerror(errno));
      return;
    case Kind::refused: {
      const auto moved = directory.set_aside(name);
      if (!moved && moved.error().kind != FaultKind::not_found)
        return leave(name, verdict.reason + "; " + moved.error().text);
      parts_.log.warn("maildrop.refused", {{"file", name}, {"user", owner_text(file)}, {"reason", verdict.reason}});
      return;
    }
    case Kind::stop:
      over_ = true;
      return leave(name, verdict.reason);
    case Kind::left:
      return leave(name, verdict.reason);
  }
}

// Once for each: the same file is met again every minute.
void MaildropCollector::leave(const std::string& name, const std::string& reason) {
  if (reported_.size() >= kMaxReported) reported_.clear();
  if (reported_.insert(name + ": " + reason).second)
    parts_.log.warn("maildrop.left", {{"file", name}, {"reason", reason}});
}

}  // namespace postrider::relay
