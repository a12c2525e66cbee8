#include "cmd/relay_thread.h"

#include "mgmt/header_text.h"

namespace postrider::cmd {

namespace {

std::unique_ptr<relay::Dispatcher> make_dispatcher(net::Loop& loop, const SharedParts& shared,
                                                   relay::DispatchOptions options) {
  const RoutePlan& plan = shared.outbound.plan();
  relay::DispatcherParts parts{loop,
                               loop.clock(),
                               loop,
                               shared.store,
                               plan.routes,
                               make_transports(loop, *plan.routes, *plan.transports),
                               shared.outbound.board(),
                               shared.log,
                               &shared.dispatch_metrics,
                               shared.notice_owed,
                               shared.outbound.news()};
  return relay::make_dispatcher(std::move(parts), options);
}

// As the API reads them (mgmt/send_plan.cpp): relay/ itself knows no more of a header than its fields.
result<std::vector<std::string>> read_senders(std::string_view fields) {
  auto header = mgmt::read_raw_header(std::string(fields) + "\r\n");
  if (!header) return header.error();
  std::vector<std::string> all = std::move(header->from);
  all.insert(all.end(), header->senders.begin(), header->senders.end());
  return all;
}

relay::SubmissionParts submission_parts(net::Loop& loop, const SharedParts& shared, relay::Dispatcher& dispatcher) {
  return {loop, loop.clock(), shared.store, &dispatcher, shared.body_memory, shared.log, &read_senders};
}

}  // namespace

RelayThread::RelayThread(std::uint32_t index, const SharedParts& shared, relay::DispatchOptions dispatch,
                         std::shared_ptr<const relay::SubmissionOptions> submission,
                         std::shared_ptr<const relay::SmtpOptions> smtp)
    : outbound_(shared.outbound),
      thread_("relay-" + std::to_string(index), shared.log),
      dispatcher_(make_dispatcher(loop(), shared, dispatch)),
      submission_(relay::make_submission(submission_parts(loop(), shared, *dispatcher_), std::move(submission))),
      authenticator_(loop(), loop().clock(), shared.store, shared.passwords),
      smtp_({loop(), loop().clock(), *submission_, authenticator_, shared.connection_counts, shared.smtp_metrics,
             shared.log},
            std::move(smtp)) {}

RelayThread::~RelayThread() {
  thread_.finish();
}

void RelayThread::start() {
  thread_.run();
  loop().post(Task([this] {
    dispatcher_->start();
    if (notices_) notices_->start();
    if (keeps_house_) outbound_.start();
  }));
}

void RelayThread::write_notices(const SharedParts& shared, relay::NoticeOptions options) {
  const relay::NoticeParts parts{loop(), loop().clock(), loop(), shared.store, *submission_, shared.log};
  notices_ = std::make_unique<relay::NoticeWriter>(parts, std::move(options));
}

void RelayThread::notice_owed() {
  loop().post(Task([this] {
    if (notices_) notices_->owed();
  }));
}

void RelayThread::take(boost::asio::ip::tcp::socket socket, std::shared_ptr<const relay::ListenerPolicy> listener) {
  smtp_.take(std::move(socket), std::move(listener));
}

void RelayThread::use(std::shared_ptr<const relay::SmtpOptions> smtp,
                      std::shared_ptr<const relay::SubmissionOptions> submission) {
  loop().post(Task([this, smtp = std::move(smtp), submission = std::move(submission)]() mutable {
    smtp_.use(std::move(smtp));
    submission_->use(std::move(submission));
  }));
}

void RelayThread::use(const RoutePlan& plan, relay::DispatchOptions dispatch) {
  loop().post(Task([this, plan, dispatch] {
    dispatcher_->use(plan.routes, make_transports(loop(), *plan.routes, *plan.transports), dispatch);
  }));
}

void RelayThread::test(std::string upstream, Done<Attempt> done) {
  loop().post(Task([this, upstream = std::move(upstream), done = std::move(done)]() mutable {
    dispatcher_->test(std::move(upstream), std::move(done));
  }));
}

std::future<void> RelayThread::drain_sessions(Duration grace) {
  return thread_.spawn("drain sessions", [this, grace] { return smtp_.drain(grace); });
}

std::future<void> RelayThread::drain_deliveries(Duration grace) {
  return thread_.spawn("drain deliveries", [this, grace] { return drain_outbound(grace); });
}

// Notices first: what one says must be accepted while there is still somebody to deliver it.
boost::asio::awaitable<void> RelayThread::drain_outbound(Duration grace) {
  if (notices_) co_await notices_->drain();
  co_await dispatcher_->drain(grace);
}

std::future<void> RelayThread::drain_house() {
  return thread_.spawn("drain house", [this] { return outbound_.drain(); });
}

}  // namespace postrider::cmd
