#include "relay/inbound/smtp_server.h"

#include "net/deadline_wheel.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {
namespace {

// A session among those that are told of a shutdown, and in the gauge.
class Enrolled {
 public:
  Enrolled(std::unordered_set<Session*>& all, Session& session, Gauge& gauge)
      : all_(all), session_(session), gauge_(gauge) {
    all_.insert(&session_);
    gauge_.add(1);
  }
  ~Enrolled() {
    all_.erase(&session_);
    gauge_.add(-1);
  }
  Enrolled(const Enrolled&) = delete;
  Enrolled& operator=(const Enrolled&) = delete;

 private:
  std::unordered_set<Session*>& all_;
  Session& session_;
  Gauge& gauge_;
};

}  // namespace

SmtpServer::SmtpServer(SessionParts parts, std::shared_ptr<const SmtpOptions> options)
    : parts_(parts),
      options_(std::move(options)),
      tasks_(parts.loop, [&log = parts.log](std::string_view task, const std::exception& error) {
        log.error("task.failed", {{"task", std::string(task)}, {"reason", error.what()}});
      }) {}

void SmtpServer::take(boost::asio::ip::tcp::socket socket, std::shared_ptr<const ListenerPolicy> listener) {
  auto stream = std::make_unique<net::Stream>(parts_.loop, std::move(socket));
  auto ticket = parts_.counts.enter(options_->limits.max_connections);
  if (stopping_ || !ticket) {
    parts_.metrics.refused_connections.add();
    Reply reply = stopping_ ? replies::kGoingDown : replies::kTooManyConnections;
    if (listener->tls != ListenerTls::implicit) stream->farewell(reply.wire());
    return;
  }
  parts_.metrics.connections.add();
  tasks_.spawn("smtp session", run(std::move(stream), std::move(listener), std::move(*ticket)));
}

boost::asio::awaitable<void> SmtpServer::run(std::unique_ptr<net::Stream> stream,
                                             std::shared_ptr<const ListenerPolicy> listener, ConnectionCounts::Ticket) {
  Session session(parts_, options_, std::move(listener), std::move(stream));
  Enrolled enrolled(sessions_, session, parts_.metrics.open_connections);
  co_await session.run();
}

boost::asio::awaitable<void> SmtpServer::drain(Duration grace) {
  stopping_ = true;
  tell_all(StopLevel::idle);
  return wait_for_sessions(grace);
}

boost::asio::awaitable<void> SmtpServer::wait_for_sessions(Duration grace) {
  net::Deadline end(parts_.loop.deadlines(), [this] { tell_all(StopLevel::now); });
  end.set(grace);
  co_await tasks_.drain();
}

void SmtpServer::tell_all(StopLevel level) {
  for (Session* session : sessions_) session->stop(level);
}

}  // namespace postrider::relay
