#include "relay/outbound/smtp_transaction.h"

#include <algorithm>

#include "relay/smtp/dot_stuffer.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

// Commands in one write before their replies are read: more could fill the buffers of both sides and stop them (RFC 2920 3.1).
constexpr std::size_t kRecipientsAtOnce = 100;

Verdict capability(std::string_view enhanced, std::string_view text) {
  return judge_finding(Stage::hello, Cause::capability, enhanced, text);
}

Verdict too_many_recipients() {
  return judge_finding(Stage::rcpt, Cause::throttle, "4.5.3", "the upstream takes fewer recipients at a time");
}

void append_notify(const Notify& notify, std::string& command) {  // RFC 3461 4.1
  if (!notify.given()) return;
  command += " NOTIFY=";
  if (notify.never) {
    command += "NEVER";
    return;
  }
  const std::pair<bool, const char*> words[] = {
      {notify.success, "SUCCESS"}, {notify.failure, "FAILURE"}, {notify.delay, "DELAY"}};
  const char* separator = "";
  for (const auto& [wanted, word] : words) {
    if (!wanted) continue;
    command.append(separator).append(word);
    separator = ",";
  }
}

}  // namespace

SmtpTransaction::SmtpTransaction(SmtpConnection& connection, const UpstreamConfig& config, const Handover& handover)
    : connection_(connection), config_(config), handover_(handover), record_(*handover.message) {
  result_.outcomes.reserve(handover.recipients.size());
  for (std::uint32_t index : handover.recipients) {
    RecipientOutcome outcome;
    outcome.recipient = index;
    result_.outcomes.push_back(std::move(outcome));
  }
  settled_.resize(handover.recipients.size());
}

asio::awaitable<SmtpTransaction::Result> SmtpTransaction::run() {
  if (!check_capabilities()) {
    result_.stage = Stage::hello;
    result_.reusable = true;
    co_return std::move(result_);
  }
  plan_recipients();
  if (pending_.empty()) {
    result_.stage = Stage::hello;
    result_.reusable = true;
    co_return std::move(result_);
  }
  ++connection_.messages;
  const bool pipelined = config_.pipelining && connection_.capabilities.pipelining;
  bool ready = false;
  if (pipelined) {
    ready = co_await envelope_pipelined();
  } else {
    ready = co_await envelope_step_by_step();
  }
  if (ready) co_await send_body();
  if (!broken_ && begun_) co_await reset();
  result_.reusable = !broken_;
  co_return std::move(result_);
}

// What the message as a whole needs. False: this hop cannot take it, and nothing is said to it.
bool SmtpTransaction::check_capabilities() {
  const smtp::Capabilities& caps = connection_.capabilities;
  if (caps.size && record_.body_size > *caps.size) {
    settle_open(capability("5.3.4", "the message has " + std::to_string(record_.body_size) +
                                        " octets, the upstream takes " + std::to_string(*caps.size)));
    return false;
  }
  if (record_.envelope.eight_bit && !caps.eight_bit) {
    settle_open(capability("5.6.3", "the message has 8-bit text, which the upstream does not take (8BITMIME)"));
    return false;
  }
  // Header fields in raw UTF-8 that came without SMTPUTF8 do not ask for it: they pass with 8BITMIME.
  smtputf8_ = record_.envelope.smtputf8 || record_.envelope.sender.needs_smtputf8();
  if (smtputf8_ && !caps.smtputf8) {
    settle_open(capability("5.6.7", "the message needs SMTPUTF8, which the upstream does not take"));
    return false;
  }
  return true;
}

void SmtpTransaction::plan_recipients() {
  const smtp::Capabilities& caps = connection_.capabilities;
  const std::size_t most = caps.rcpt_max != 0 ? caps.rcpt_max : handover_.recipients.size();  // RFC 9422 4.2
  for (std::size_t place = 0; place < handover_.recipients.size(); ++place) {
    const Recipient& recipient = record_.recipients[handover_.recipients[place]];
    if (recipient.address.needs_smtputf8()) {
      if (!caps.smtputf8) {
        settle(place, capability("5.6.7", "the address needs SMTPUTF8, which the upstream does not take"));
        continue;
      }
      smtputf8_ = true;
    }
    if (pending_.size() == most) {
      result_.no_more_recipients = true;
      settle(place, too_many_recipients());
      continue;
    }
    pending_.push_back(Pending{place, {}});
  }
  for (Pending& p : pending_) p.command = rcpt_command(record_.recipients[handover_.recipients[p.place]]);
}

// Domains in U-labels need no SMTPUTF8: the A-label form is the same name (RFC 5890 2.3.2.1).
std::string SmtpTransaction::path(const Address& address) const {
  if (!smtputf8_ && smtp::has_eight_bit(address.domain)) {
    if (auto ascii = domain_to_ascii(address.domain)) return '<' + address.local + '@' + *ascii + '>';
  }
  return '<' + address.str() + '>';
}

std::string SmtpTransaction::mail_command() const {
  const smtp::Capabilities& caps = connection_.capabilities;
  const Envelope& envelope = record_.envelope;
  std::string command = "MAIL FROM:" + path(envelope.sender);
  if (caps.size_parameter) command += " SIZE=" + std::to_string(record_.body_size);  // RFC 1870 6.
  if (envelope.eight_bit) command += " BODY=8BITMIME";                               // RFC 6152 3.
  if (smtputf8_) command += " SMTPUTF8";                                             // RFC 6531 3.4
  if (caps.dsn && envelope.ret != DsnReturn::unset) {
    command += envelope.ret == DsnReturn::full ? " RET=FULL" : " RET=HDRS";
  }
  if (caps.dsn && !envelope.envid.empty()) command += " ENVID=" + envelope.envid;
  return command += "\r\n";
}

std::string SmtpTransaction::rcpt_command(const Recipient& recipient) const {
  std::string command = "RCPT TO:" + path(recipient.address);
  if (connection_.capabilities.dsn) {
    append_notify(recipient.notify, command);
    if (!recipient.orcpt.empty()) command += " ORCPT=" + recipient.orcpt;
  }
  return command += "\r\n";
}

// True when the peer said 354 and at least one recipient was taken.
asio::awaitable<bool> SmtpTransaction::envelope_step_by_step() {
  const std::string mail = mail_command();
  co_await connection_.wire.send(mail, config_.stage_timeout);  // a failure shows at the reply
  bool good = co_await take_mail_reply();
  for (std::size_t i = 0; good && i < pending_.size(); ++i) {
    co_await connection_.wire.send(pending_[i].command, config_.stage_timeout);
    good = co_await take_rcpt_replies(std::span<const Pending>(&pending_[i], 1));
  }
  if (!good || accepted_ == 0) co_return false;
  co_await connection_.wire.send(std::string_view("DATA\r\n"), config_.stage_timeout);
  good = co_await take_data_reply();
  co_return good;
}

// MAIL, RCPTs and DATA go out together (RFC 2920); for many recipients in several batches.
asio::awaitable<bool> SmtpTransaction::envelope_pipelined() {
  std::string octets = mail_command();
  bool good = true, mail_pending = true;
  for (std::size_t begin = 0; good && begin < pending_.size(); begin += kRecipientsAtOnce) {
    const std::size_t count = std::min(kRecipientsAtOnce, pending_.size() - begin);
    const std::span<const Pending> batch(pending_.data() + begin, count);
    for (const Pending& p : batch) octets += p.command;
    const bool last = begin + count == pending_.size();
    if (last) octets += "DATA\r\n";
    co_await connection_.wire.send(octets, config_.stage_timeout);
    octets.clear();
    bool mail_taken = true;
    if (mail_pending) mail_taken = co_await take_mail_reply();
    mail_pending = false;
    if (!broken_) good = co_await take_rcpt_replies(batch);  // 503 each when MAIL was refused: already settled
    if (broken_) co_return false;
    if (last) {
      const bool go = co_await take_data_reply();
      if (go && accepted_ == 0) co_await end_without_recipients();
      co_return go&& accepted_ > 0;
    }
    good = good && mail_taken;
  }
  co_return false;
}

asio::awaitable<bool> SmtpTransaction::take_mail_reply() {
  const Answer answer = co_await connection_.wire.reply(config_.stage_timeout);
  if (answer.positive()) {
    begun_ = true;
    co_return true;
  }
  const bool gone = answer.answered() ? answer.reply.code == 421 : answer.broken == Break::closed;
  result_.stale = gone && connection_.messages > 1;
  co_return fail_open(answer, Stage::mail);
}

asio::awaitable<bool> SmtpTransaction::take_rcpt_replies(std::span<const Pending> batch) {
  for (const Pending& p : batch) {
    const Answer answer = co_await connection_.wire.reply(config_.stage_timeout);
    if (begun_) result_.stage = Stage::rcpt;
    if (!answer.answered() || answer.reply.code == 421) co_return fail_open(answer, result_.stage);
    if (!begun_ || settled_[p.place]) continue;
    if (answer.positive()) {
      ++accepted_;
      continue;
    }
    if (accepted_ > 0 && is_too_many_recipients(answer.reply, accepted_)) result_.no_more_recipients = true;
    settle(p.place, answer.judge(Stage::rcpt, accepted_));
  }
  co_return true;
}

asio::awaitable<bool> SmtpTransaction::take_data_reply() {
  const Answer answer = co_await connection_.wire.reply(config_.stage_timeout);
  if (answer.reply.code == 354) {
    result_.stage = std::max(result_.stage, Stage::data);
    co_return true;
  }
  if (accepted_ > 0) result_.stage = Stage::data;
  co_return fail_open(answer, result_.stage);
}

// The peer said 354 although it took nobody: a lone dot ends it, whatever it answers (RFC 2920 3.1).
asio::awaitable<void> SmtpTransaction::end_without_recipients() {
  co_await connection_.wire.send(std::string_view(".\r\n"), config_.stage_timeout);
  const Answer answer = co_await connection_.wire.reply(config_.stage_timeout);
  broken_ = !answer.answered();
}

// One chunk ahead, so that the last one and the final dot leave in one write.
asio::awaitable<void> SmtpTransaction::send_body() {
  result_.stage = Stage::body;
  smtp::DotStuffer stuffer;
  smtp::Spans spans;
  auto chunk = co_await handover_.body->next();
  while (true) {
    if (!chunk) {  // without the dot the peer throws away what it has
      broken_ = true;
      settle_open(judge_finding(Stage::local, Cause::spool, "", "the body could not be read: " + chunk.error().text));
      co_return;
    }
    auto next = chunk;
    if (*chunk) next = co_await handover_.body->next();
    spans.clear();
    if (*chunk) stuffer.feed(**chunk, spans);
    const bool last = next && !*next;
    if (last) stuffer.finish(spans);
    const bool written = co_await write_body(spans);
    if (!written) {
      co_await body_refused();
      co_return;
    }
    if (last) break;
    chunk = std::move(next);
  }
  co_await take_final_reply();
}

asio::awaitable<bool> SmtpTransaction::write_body(smtp::Spans& spans) {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(spans.size());
  for (std::string_view s : spans) buffers.emplace_back(s.data(), s.size());
  const bool written = co_await connection_.wire.send(buffers, config_.stage_timeout);
  co_return written;
}

// The write broke before all of the dot was out, so the peer cannot have the message. It may have said why before it closed.
asio::awaitable<void> SmtpTransaction::body_refused() {
  Answer answer = connection_.wire.failure();
  if (answer.broken == Break::closed) {
    Answer word = co_await connection_.wire.reply(config_.stage_timeout);
    if (word.reply.transient() || word.reply.permanent()) answer = std::move(word);
  }
  settle_open(answer.judge(Stage::body));
  broken_ = true;
}

// Sending end of data: from here to the reply is the window in which the message may be sent more than once.
asio::awaitable<void> SmtpTransaction::take_final_reply() {
  result_.stage = Stage::final_dot;
  const Answer answer = co_await connection_.wire.reply(config_.final_timeout);
  begun_ = false;  // the transaction is over on both sides, whatever the answer
  if (!answer.positive()) {
    fail_open(answer, Stage::final_dot);
    co_return;
  }
  result_.remote_id = sanitize_reason_text(answer.reply.text());
  settle_open(judge_sent(answer.reply));
}

asio::awaitable<void> SmtpTransaction::reset() {
  const Answer answer = co_await connection_.wire.command("RSET", config_.stage_timeout);
  broken_ = !answer.positive();
}

// Everybody who has no answer yet gets this one. Returns false, for the callers that go on only when all is well.
bool SmtpTransaction::fail_open(const Answer& answer, Stage stage) {
  if (!answer.answered() || answer.reply.code == 421) broken_ = true;  // RFC 5321 3.8: 421 closes
  settle_open(answer.judge(stage));
  return false;
}

void SmtpTransaction::settle_open(const Verdict& verdict) {
  for (std::size_t place = 0; place < result_.outcomes.size(); ++place) {
    if (!settled_[place]) settle(place, verdict);
  }
}

void SmtpTransaction::settle(std::size_t place, const Verdict& verdict) {
  result_.outcomes[place].kind = verdict.kind;
  result_.outcomes[place].reason = verdict.reason;
  result_.day_used_up = result_.day_used_up || verdict.day_used_up;
  settled_[place] = true;
}

}  // namespace postrider::relay
