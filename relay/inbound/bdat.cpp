// BDAT (RFC 3030 2.): exactly the announced octets are read, also when the answer is no, so that client and server stay in step.
#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {
namespace {

std::optional<Reply> refusal(const SessionContext& session) {
  if (!session.transaction) return replies::kNeedMail;
  if (!session.transaction->envelope.recipients.empty() || session.transaction->chunks) return std::nullopt;
  return session.transaction->refused_recipients ? replies::kNoValidRecipients : replies::kNeedRecipient;
}

Duration chunk_limit(const SessionContext& session) {
  return session.wait_limit(session.options->limits.data_timeout);
}

// Until there are octets to take; false when none will come.
boost::asio::awaitable<bool> await_octets(SessionContext& session) {
  Connection& connection = session.connection;
  if (!connection.pending().empty()) co_return true;
  co_return co_await connection.fill(Connection::Wait::body, chunk_limit(session));
}

boost::asio::awaitable<bool> swallow(SessionContext& session, std::uint64_t octets) {
  Connection& connection = session.connection;
  while (octets > 0) {
    const bool more = co_await await_octets(session);
    if (!more) co_return false;
    std::uint64_t n = std::min<std::uint64_t>(octets, connection.pending().size());
    connection.consume(static_cast<std::size_t>(n));
    octets -= n;
  }
  co_return true;
}

boost::asio::awaitable<bool> take_chunk(SessionContext& session, ChunkedBody& body) {
  Connection& connection = session.connection;
  while (!body.decoder.chunk_complete()) {
    const bool more = co_await await_octets(session);
    if (!more) co_return false;
    session.spans.clear();
    std::size_t taken = body.decoder.feed(connection.pending(), session.spans);
    co_await pass_on(session, *body.intake);
    connection.consume(taken);
  }
  co_return true;
}

}  // namespace

boost::asio::awaitable<Reply> handle_bdat(SessionContext& session, std::string_view argument) {
  auto bdat = smtp::parse_bdat(argument);
  if (!bdat.has_value()) {  // nobody knows how much would have to be skipped
    Reply reply = bdat.error();
    reply.then = Then::close;
    co_return reply;
  }
  if (auto refused = refusal(session)) {
    bool there = co_await swallow(session, bdat->size);
    session.lines.reset();
    if (!there) co_return session.parting_reply();
    co_return *refused;
  }
  Transaction& transaction = *session.transaction;
  if (!transaction.chunks) {
    std::unique_ptr<Intake> intake = session.parts.submission.begin(std::move(transaction.envelope));
    transaction.chunks.emplace(body_limits(session), std::move(intake));
  }
  ChunkedBody& body = *transaction.chunks;
  body.decoder.begin_chunk(bdat->size, bdat->last);
  bool there = co_await take_chunk(session, body);
  session.lines.reset();
  if (!there) co_return session.parting_reply();
  if (bdat->last) {
    session.spans.clear();
    body.decoder.finish(session.spans);
    co_await pass_on(session, *body.intake);
  }
  // A failed chunk ends the transaction; chunks that follow are refused for want of one.
  if (body.decoder.fault() != smtp::BodyFault::none) {
    Reply reply = smtp::to_reply(body.decoder.fault());
    session.transaction.reset();
    co_return reply;
  }
  if (!bdat->last) co_return octets_received(bdat->size);
  std::unique_ptr<Intake> intake = std::move(body.intake);
  Reply reply = co_await finish_message(session, std::move(intake));
  co_return reply;
}

}  // namespace postrider::relay
