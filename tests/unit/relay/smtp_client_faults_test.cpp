// The real SMTP client, with a server that is cut off after every single octet of the dialogue: the outcome is `uncertain` exactly
// when all of the final dot had been heard and the answer was not whole, and no connection is used again after a fault.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "net/tls.h"
#include "tests/unit/relay/cutting_peer.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

constexpr std::string_view kBody = "Subject: x\r\n\r\ntext\r\n";

// Gives the body, and then text for far longer than any connection takes it after a cut: the final dot never comes.
class EndlessSource final : public BodySource {
 public:
  awaitable<result<std::shared_ptr<const std::string>>> next() override {
    if (given_ == kMostChunks) co_return Fault{FaultKind::damaged, "nobody has cut this off"};
    const bool first = given_++ == 0;
    co_return std::make_shared<const std::string>(first ? std::string(kBody) : std::string(4096, 'x') + "\r\n");
  }

 private:
  static constexpr int kMostChunks = 20'000;  // 80 MB
  int given_ = 0;
};

// How far the server had come, in octets it said and heard, when a message had been taken so far.
struct Mark {
  std::size_t said = 0, heard = 0;
};
struct Marks {
  Mark mail, go, done;  // after the answers to MAIL, to DATA, and to the final dot
};

// One client and the servers it meets: the first is cut off by plan, what comes after it is well.
struct Meeting {
  CutPlan plan;
  std::unique_ptr<tcp::acceptor> acceptor;
  std::vector<std::unique_ptr<CuttingPeer>> servers;
  std::vector<Marks> marks;  // of the messages of the first server
  UpstreamConfig config;
  std::unique_ptr<Upstream> upstream;
  std::unique_ptr<Transport> transport;
  std::vector<Attempt> attempts;
  std::vector<std::size_t> pooled;  // connections kept after each
  bool endless = false;
};

enum class Manner : std::uint8_t { step_by_step, pipelined, logged_in, secured };

class SmtpClientFaults : public testing::Test {
 protected:
  SmtpClientFaults() {
    record_->id = MessageIdSource(1).next(Time{});
    record_->envelope.sender = {"sender", "example.com"};
    record_->body_size = kBody.size();
    for (const char* local : {"one", "two"}) {
      Recipient recipient;
      recipient.address = {local, "example.org"};
      record_->recipients.push_back(std::move(recipient));
    }
  }

  std::unique_ptr<Meeting> arrange(Manner manner, const CutPlan& plan, std::size_t messages, bool endless = false) {
    auto meeting = std::make_unique<Meeting>();
    meeting->plan = plan;
    meeting->endless = endless;
    meeting->acceptor =
        std::make_unique<tcp::acceptor>(loop_.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    configure(meeting->config, manner, plan.how == Cut::silence);
    meeting->config.port = meeting->acceptor->local_endpoint().port();
    meeting->upstream = std::make_unique<Upstream>(meeting->config, HealthPolicy());
    const auto tls = make_upstream_tls(meeting->config).value();
    meeting->transport = make_smtp_transport({loop_, resolver_, *meeting->upstream, tls, "relay.example.com"});
    group_.spawn("servers", serve_all(*meeting, loop_, server_tls(), extensions(manner)));
    group_.spawn("client", deliver(*meeting, record_, messages));
    return meeting;
  }

  // Until every client has delivered and every server has seen its connections end.
  void run() {
    group_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
    while (loop_.io().poll_one() > 0) {  // the farewells of the pools are tasks of their own
    }
    loop_.io().restart();
  }

  std::unique_ptr<Meeting> meet(Manner manner, const CutPlan& plan, std::size_t messages, bool endless = false) {
    auto meeting = arrange(manner, plan, messages, endless);
    run();
    return meeting;
  }

 private:
  void configure(UpstreamConfig& config, Manner manner, bool impatient) {
    config.name = "primary";
    config.type = UpstreamType::smtp;
    config.hosts = {"127.0.0.1"};
    config.tls = UpstreamTls::none;
    config.pipelining = manner != Manner::step_by_step;
    config.connect_timeout = config.stage_timeout = config.final_timeout = std::chrono::seconds(60);
    // What comes before the silence takes a thousandth of this.
    if (impatient) config.stage_timeout = config.final_timeout = std::chrono::seconds(3);
    if (manner == Manner::logged_in) {
      config.username = "app";
      config.password = "secret";
    }
    if (manner == Manner::secured) {
      config.tls = UpstreamTls::starttls;
      config.tls_ca_file = pair().certificate_file;
    }
  }
  static std::vector<std::string> extensions(Manner manner) {
    std::vector<std::string> all{"8BITMIME"};
    if (manner != Manner::step_by_step) all.emplace_back("PIPELINING");
    if (manner == Manner::logged_in) all.emplace_back("AUTH PLAIN");
    if (manner == Manner::secured) all.emplace_back("STARTTLS");
    return all;
  }
  const net::SelfSigned& pair() {
    static const TempDirectory directory;
    static const net::SelfSigned made = net::ensure_self_signed(directory.path(), "localhost").value();
    return made;
  }
  net::TlsContext server_tls() { return net::make_server_tls(pair().certificate_file, pair().key_file).value(); }

  static awaitable<void> deliver(Meeting& meeting, std::shared_ptr<const MessageRecord> record, std::size_t messages) {
    for (std::size_t i = 0; i < messages; ++i) {
      Handover handover;
      handover.message = record;
      handover.recipients = {0, 1};
      if (meeting.endless && i == 0) {
        handover.body = std::make_unique<EndlessSource>();
      } else {
        handover.body = std::make_unique<ChunkSource>(std::vector<std::string>{std::string(kBody)});
      }
      HandoverReport report = co_await meeting.transport->deliver(std::move(handover));
      meeting.attempts.push_back(std::move(report.attempt));
      meeting.pooled.push_back(meeting.transport->connections());
    }
    meeting.transport->close_idle();
    meeting.acceptor->close();
  }

  static awaitable<void> serve_all(Meeting& meeting, net::Loop& loop, net::TlsContext tls,
                                   std::vector<std::string> extensions) {
    while (true) {
      auto [error, socket] = co_await meeting.acceptor->async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) co_return;
      const bool first = meeting.servers.empty();
      const CutPlan plan = first ? meeting.plan : CutPlan();
      meeting.servers.push_back(std::make_unique<CuttingPeer>(loop, std::move(socket), plan));
      CuttingPeer& server = *meeting.servers.back();
      std::vector<Marks> ignored;
      co_await serve(server, first ? meeting.marks : ignored, tls, extensions);
      co_await server.hear_out();
    }
  }

  static awaitable<void> serve(CuttingPeer& server, std::vector<Marks>& marks, net::TlsContext tls,
                               const std::vector<std::string>& extensions) {
    std::string ehlo = "250-mx.example.com\r\n";
    for (const std::string& extension : extensions) ehlo += "250-" + extension + "\r\n";
    ehlo += "250 HELP\r\n";
    const std::map<std::string, std::string> answers{{"EHLO", ehlo},
                                                     {"AUTH", "235 2.7.0 Ok\r\n"},
                                                     {"STAR", "220 2.0.0 Go\r\n"},
                                                     {"MAIL", "250 2.1.0 Ok\r\n"},
                                                     {"RCPT", "250 2.1.5 Ok\r\n"},
                                                     {"DATA", "354 Go\r\n"},
                                                     {"QUIT", "221 2.0.0 Bye\r\n"}};
    std::string answer = "220 mx.example.com ESMTP\r\n";
    bool going = co_await server.say(answer);
    while (going) {
      going = co_await server.hear_until("\r\n");
      if (!going) break;
      const std::string verb = server.heard().substr(0, 4);
      answer = answers.at(verb);
      going = co_await server.say(answer);
      if (verb == "STAR" && going) going = co_await server.accept_tls(tls);
      if (verb == "MAIL") marks.emplace_back().mail = mark(server);
      if (verb != "DATA" || !going) continue;
      marks.back().go = mark(server);
      going = co_await server.hear_until("\r\n.\r\n");
      answer = "250 2.0.0 taken as 1\r\n";
      if (going) going = co_await server.say(answer);
      marks.back().done = mark(server);
    }
  }
  static Mark mark(const CuttingPeer& server) { return {server.octets_said(), server.octets_heard()}; }

  std::shared_ptr<MessageRecord> record_ = std::make_shared<MessageRecord>();
  net::Resolver resolver_{net::ResolverOptions()};
  net::Loop loop_{"test"};
  net::TaskGroup group_{
      loop_, [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
};

std::size_t bodies_heard(const CuttingPeer& server) {
  std::size_t bodies = 0;
  const std::string& all = server.all_heard();
  for (std::size_t at = all.find("\r\n.\r\n"); at != std::string::npos; at = all.find("\r\n.\r\n", at + 1)) ++bodies;
  return bodies;
}

// After a fault at the message number `at`: nothing was kept, and the message after it went out over a new connection.
void expect_fault(const Meeting& meeting, std::size_t at, OutcomeKind kind) {
  ASSERT_EQ(meeting.attempts.size(), at + 2);
  const Attempt& attempt = meeting.attempts[at];
  EXPECT_EQ(to_string(attempt.outcome), to_string(kind)) << attempt.reason.text;
  ASSERT_EQ(attempt.recipients.size(), 2u);
  for (const RecipientOutcome& outcome : attempt.recipients) EXPECT_EQ(to_string(outcome.kind), to_string(kind));
  const Cause cause = kind == OutcomeKind::uncertain ? Cause::uncertain : Cause::route;
  EXPECT_EQ(to_string(attempt.reason.cause), to_string(cause)) << attempt.reason.text;
  EXPECT_EQ(meeting.pooled[at], 0u);
  EXPECT_EQ(to_string(meeting.attempts.back().outcome), "sent") << meeting.attempts.back().reason.text;
  ASSERT_EQ(meeting.servers.size(), 2u);
  EXPECT_EQ(bodies_heard(*meeting.servers[0]), at + (kind == OutcomeKind::uncertain ? 1 : 0));
  EXPECT_EQ(bodies_heard(*meeting.servers[1]), 1u);
  for (const auto& server : meeting.servers) EXPECT_FALSE(server->waited_in_vain());
}

// The control run: nothing is cut, all is sent over one connection, and the marks say how far it had come when.
std::vector<Marks> expect_all_well(const Meeting& meeting) {
  for (const Attempt& attempt : meeting.attempts) EXPECT_EQ(to_string(attempt.outcome), "sent") << attempt.reason.text;
  EXPECT_EQ(meeting.servers.size(), 1u);
  EXPECT_EQ(meeting.marks.size(), meeting.attempts.size());
  return meeting.marks;
}

// Cut off instead of the next octet. Between 354 and the answer to the dot that is when the dot was heard: any earlier, and what
// the client had written by then would be left to chance.
CutPlan plan_for(Cut how, std::size_t said, const Marks& marks) {
  if (said == marks.go.said) return {how, CutPlan::kNever, marks.done.heard};
  return {how, said, CutPlan::kNever};
}

struct FaultCase {
  const char* name;
  Manner manner;
  std::size_t step;  // 1: cut after every octet
  Cut how;
};
void PrintTo(const FaultCase& c, std::ostream* out) {
  *out << c.name << ", " << to_string(c.how);
}
std::string name_of(const testing::TestParamInfo<FaultCase>& fault) {
  return std::string(fault.param.name) + "_" + std::string(to_string(fault.param.how));
}

class EveryOctetOfTheServer : public SmtpClientFaults, public testing::WithParamInterface<FaultCase> {};

TEST_P(EveryOctetOfTheServer, IsUncertainExactlyBetweenTheDotAndItsAnswer) {
  const FaultCase& fault = GetParam();
  const Marks marks = expect_all_well(*meet(fault.manner, {}, 1)).at(0);
  for (std::size_t octets = 0; octets < marks.done.said && !HasFailure(); octets += fault.step) {
    SCOPED_TRACE("cut after " + std::to_string(octets) + " of " + std::to_string(marks.done.said) + " octets");
    const auto meeting = meet(fault.manner, plan_for(fault.how, octets, marks), 2);
    expect_fault(*meeting, 0, octets < marks.go.said ? OutcomeKind::deferred : OutcomeKind::uncertain);
  }
}

std::vector<FaultCase> all_cases() {
  std::vector<FaultCase> all;
  for (Cut how : {Cut::close, Cut::reset, Cut::half_close}) {
    all.push_back({"step_by_step", Manner::step_by_step, 1, how});
    all.push_back({"pipelined", Manner::pipelined, 1, how});
    all.push_back({"logged_in", Manner::logged_in, 1, how});
    all.push_back({"secured", Manner::secured, 3, how});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Manners, EveryOctetOfTheServer, testing::ValuesIn(all_cases()), name_of);

// All of them at a time, so that the wait for the deadline is one.
TEST_F(SmtpClientFaults, SilenceAfterAnyOctetRunsIntoTheDeadline) {
  const Marks marks = expect_all_well(*meet(Manner::pipelined, {}, 1)).at(0);
  std::vector<std::unique_ptr<Meeting>> meetings;
  for (std::size_t octets = 0; octets < marks.done.said; octets += 3)
    meetings.push_back(arrange(Manner::pipelined, {Cut::silence, octets, CutPlan::kNever}, 2));
  run();
  for (const auto& meeting : meetings) {
    SCOPED_TRACE("silent after " + std::to_string(meeting->plan.said) + " octets");
    expect_fault(*meeting, 0, meeting->plan.said < marks.go.said ? OutcomeKind::deferred : OutcomeKind::uncertain);
  }
}

class EveryOctetOfTheClient : public SmtpClientFaults, public testing::WithParamInterface<FaultCase> {};

// As long as the client has not written the final dot, nobody can have the message, however much of it was heard.
TEST_P(EveryOctetOfTheClient, BeforeTheDotIsDeferred) {
  const FaultCase& fault = GetParam();
  const Marks marks = expect_all_well(*meet(fault.manner, {}, 1)).at(0);
  const std::size_t last = fault.how == Cut::half_close ? marks.go.heard : marks.done.heard + 10;
  for (std::size_t octets = 1; octets < last && !HasFailure(); octets += fault.step) {
    SCOPED_TRACE("cut after " + std::to_string(octets) + " octets heard");
    const auto meeting = meet(fault.manner, {fault.how, CutPlan::kNever, octets}, 2, true);
    expect_fault(*meeting, 0, OutcomeKind::deferred);
  }
}

std::vector<FaultCase> client_cases() {
  std::vector<FaultCase> all;
  for (Cut how : {Cut::close, Cut::reset, Cut::half_close}) {
    all.push_back({"step_by_step", Manner::step_by_step, 1, how});
    all.push_back({"pipelined", Manner::pipelined, 1, how});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Manners, EveryOctetOfTheClient, testing::ValuesIn(client_cases()), name_of);

class EveryOctetOnAUsedConnection : public SmtpClientFaults, public testing::WithParamInterface<FaultCase> {};

// A connection that had been idle may be gone: before the answer to MAIL the message just takes another one.
TEST_P(EveryOctetOnAUsedConnection, IsAskedElsewhereBeforeMailAndAFaultAfterIt) {
  const FaultCase& fault = GetParam();
  const std::vector<Marks> marks = expect_all_well(*meet(fault.manner, {}, 2));
  for (std::size_t octets = marks.at(0).done.said; octets < marks.at(1).done.said && !HasFailure();
       octets += fault.step) {
    SCOPED_TRACE("cut after " + std::to_string(octets) + " octets");
    const auto meeting = meet(fault.manner, plan_for(fault.how, octets, marks[1]), 3);
    if (octets >= marks[1].mail.said) {
      expect_fault(*meeting, 1, octets < marks[1].go.said ? OutcomeKind::deferred : OutcomeKind::uncertain);
      continue;
    }
    for (const Attempt& attempt : meeting->attempts)
      EXPECT_EQ(to_string(attempt.outcome), "sent") << attempt.reason.text;
    ASSERT_EQ(meeting->servers.size(), 2u);
    EXPECT_EQ(bodies_heard(*meeting->servers[0]), 1u);
    EXPECT_EQ(bodies_heard(*meeting->servers[1]), 2u);
  }
}
INSTANTIATE_TEST_SUITE_P(Manners, EveryOctetOnAUsedConnection, testing::ValuesIn(client_cases()), name_of);

}  // namespace
}  // namespace postrider::relay
