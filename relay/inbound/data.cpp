// DATA (RFC 5321 4.1.1.4): everything up to CRLF.CRLF is read, whatever the answer will be.
#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {

smtp::BodyLimits body_limits(const SessionContext& session) {
  const SessionLimits& limits = session.options->limits;
  smtp::BodyLimits out;
  out.bare_newline = limits.bare_newline;
  out.max_size = limits.max_message_size;
  out.max_line = limits.max_text_line;
  return out;
}

boost::asio::awaitable<Reply> handle_data(SessionContext& session, std::string_view) {
  Connection& connection = session.connection;
  std::unique_ptr<Intake> intake = session.parts.submission.begin(std::move(session.transaction->envelope));
  smtp::DataDecoder decoder(body_limits(session));
  connection.queue(replies::kSendData);
  // What is in the buffer already was sent without waiting for our 354: a client that pipelines too far. It is taken as text,
  // for that is what it can only be.
  for (bool finished = false; !finished;) {
    if (connection.pending().empty()) {
      bool more =
          co_await connection.fill(Connection::Wait::body, session.wait_limit(session.options->limits.data_timeout));
      if (!more) co_return session.parting_reply();
    }
    session.spans.clear();
    smtp::DataDecoder::Step step = decoder.feed(connection.pending(), session.spans);
    co_await pass_on(session, *intake);
    connection.consume(step.consumed);
    finished = step.finished;
  }
  session.lines.reset();
  if (decoder.fault() != smtp::BodyFault::none) {
    session.transaction.reset();
    co_return smtp::to_reply(decoder.fault());
  }
  Reply reply = co_await finish_message(session, std::move(intake));
  co_return reply;
}

boost::asio::awaitable<void> pass_on(SessionContext& session, Intake& intake) {
  for (std::string_view octets : session.spans) {
    octets.remove_prefix(intake.write_now(octets));
    if (!octets.empty()) co_await intake.write(octets);
  }
}

boost::asio::awaitable<Reply> finish_message(SessionContext& session, std::unique_ptr<Intake> intake) {
  session.connection.stream().expires_never();  // the store answers always; nothing is read or written meanwhile
  SubmissionResult result = co_await intake->commit();
  session.transaction.reset();
  if (result.reply.positive()) {
    session.errors = 0;
    session.unimportant = 0;
    session.parts.metrics.messages.add();
  }
  co_return std::move(result.reply);
}

}  // namespace postrider::relay
