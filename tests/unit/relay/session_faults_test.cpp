// The real SMTP session, with a client that is cut off after every single octet of a dialogue: the session ends, what was not
// complete is nowhere, and what was complete is stored once.
#include <openssl/ssl.h>

#include "net/limits.h"
#include "net/tls.h"
#include "relay/inbound/password.h"
#include "relay/inbound/session.h"
#include "tests/temp_directory.h"
#include "tests/unit/relay/cutting_peer.h"
#include "tests/unit/relay/inbound_fixture.h"

namespace postrider::relay {
namespace {

using boost::asio::awaitable;
using boost::asio::ip::tcp;
using testing_fakes::Cut;
using testing_fakes::CutPlan;
using testing_fakes::CuttingPeer;

struct Step {
  std::string octets;
  enum class Then : std::uint8_t {
    nothing,
    reply,
    message,
    tls
  } then = Then::reply;  // message: a reply, and one is complete
};
using Dialogue = std::vector<Step>;

enum class Pace : std::uint8_t {
  in_step,
  at_once,  // without a wait for anything: more than RFC 2920 allows, and all of it in the session's buffer together
};

std::size_t size_of(const Dialogue& dialogue) {
  std::size_t size = 0;
  for (const Step& step : dialogue) size += step.octets.size();
  return size;
}
std::size_t messages_within(const Dialogue& dialogue, std::size_t octets) {
  std::size_t size = 0, messages = 0;
  for (const Step& step : dialogue) {
    size += step.octets.size();
    if (step.then == Step::Then::message && size <= octets) ++messages;
  }
  return messages;
}

Dialogue joined(Dialogue one, const Dialogue& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}
Dialogue envelope() {
  return {{"MAIL FROM:<a@example.com>\r\n"}, {"RCPT TO:<b@example.org>\r\n"}, {"RCPT TO:<c@example.org>\r\n"}};
}
Dialogue message() {
  return joined(envelope(), {{"DATA\r\n"}, {"Subject: x\r\n\r\n..two dots\r\n.\r\n", Step::Then::message}});
}
Dialogue plain() {
  return joined({{"EHLO client.example\r\n"}, {"AUTH LOGIN\r\n"}, {"YXBw\r\n"}, {"c2VjcmV0\r\n"}},
                joined(message(), {{"QUIT\r\n"}}));
}
Dialogue chunked() {
  return joined({{"EHLO client.example\r\n"}}, joined(envelope(), {{"BDAT 14\r\nSubject: x\r\n\r\n"},
                                                                   {"BDAT 6\r\ntext\r\n"},
                                                                   {"BDAT 5 LAST\r\nend\r\n", Step::Then::message},
                                                                   {"QUIT\r\n"}}));
}
Dialogue two_messages() {
  return joined({{"EHLO client.example\r\n"}}, joined(message(), joined(message(), {{"QUIT\r\n"}})));
}
Dialogue secured() {
  return joined({{"EHLO client.example\r\n"}, {"STARTTLS\r\n", Step::Then::tls}, {"EHLO client.example\r\n"}},
                joined(message(), {{"QUIT\r\n"}}));
}
// What a client says first in a handshake, as octets that can be cut.
std::string client_hello() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  BIO* written = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), written);
  SSL_connect(ssl);
  char* octets = nullptr;
  const long size = BIO_get_mem_data(written, &octets);
  std::string hello(octets, static_cast<std::size_t>(size));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}
Dialogue handshake() {
  return {{"EHLO client.example\r\n"}, {"STARTTLS\r\n"}, {client_hello(), Step::Then::nothing}};
}

class StandingClock final : public Clock {
 public:
  Time now() const override { return from_ms(1'700'000'000'000); }
  Duration monotonic() const override { return Duration(0); }
};

// One session and its client, with a store of their own.
struct Talk {
  storage::MemoryStore& store() { return *store_; }
  Budget memory{64 << 20};
  RememberingDispatcher dispatcher;  // outlived by the store, which shares its chunks
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  std::unique_ptr<Submission> submission;
  std::shared_ptr<SmtpOptions> options = std::make_shared<SmtpOptions>();
  std::unique_ptr<SessionParts> parts;
  std::unique_ptr<CuttingPeer> client;
  std::size_t cut_after = 0;
  bool ended = false;
};

class SessionFaults : public InboundTest {
 protected:
  SessionFaults() {
    net::raise_open_files();
    storage::UserRecord user;
    user.name = "app";
    user.password_hash = make_password_hash("secret").value();
    ask<Nothing>([&](auto done) { store_->put_user(user, true, std::move(done)); }).value();
    // Once for all sessions: it is remembered, and the clock stands still.
    run(authenticator_.check_password("app", "secret"));
    const auto pair = net::ensure_self_signed(directory_.path(), "relay.example").value();
    server_tls_ = net::make_server_tls(pair.certificate_file, pair.key_file).value();
    client_tls_ = net::make_client_tls(net::Verify::none, "").value();
    submission_options_->hostname = "relay.example";
  }

  // One talk for each place to cut, all of them at a time: those that fall silent wait for one tick of the wheel together.
  std::vector<std::unique_ptr<Talk>> play(const Dialogue& dialogue, Pace pace, Cut how,
                                          const std::vector<std::size_t>& places) {
    std::vector<std::unique_ptr<Talk>> talks;
    for (std::size_t place : places) {
      talks.push_back(make_talk({how, place, CutPlan::kNever}));
      tasks_.spawn("client", speak(*talks.back(), dialogue, pace, client_tls_));
    }
    tasks_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
    return talks;
  }

  std::size_t stored_in(Talk& talk) {
    storage::ListQuery all;
    return ask<storage::ListPage>([&](auto done) { talk.store().list(all, std::move(done)); }).value().messages.size();
  }
  std::uint64_t live_bytes(Talk& talk) { return talk.store().stats().live_bytes; }

  // After all sessions: nobody is counted as connected any more.
  bool nobody_counted() { return counts_.enter(parse_ip_address("127.0.0.1").value(), 1).has_value(); }

  std::uint64_t body_memory_ = 64 << 20;
  const TempDirectory directory_;
  net::TlsContext server_tls_, client_tls_;

 private:
  std::unique_ptr<Talk> make_talk(CutPlan plan) {
    auto talk = std::make_unique<Talk>();
    talk->cut_after = plan.said;
    talk->memory.set_limit(body_memory_);
    SubmissionParts submission{loop_, loop_.clock(), talk->store(), &talk->dispatcher, talk->memory, log_};
    talk->submission = make_submission(submission, submission_options_);
    talk->options->hostname = "relay.example";
    talk->options->tls = server_tls_;
    talk->options->access.trusted_networks = {parse_network("127.0.0.0/8").value()};
    talk->options->access.auth_without_tls_on_loopback = true;
    talk->parts.reset(new SessionParts{loop_, clock_, *talk->submission, authenticator_, counts_, metrics_, log_});

    tcp::acceptor acceptor(loop_.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket near(loop_.io());
    near.connect(acceptor.local_endpoint());
    auto far = std::make_unique<net::Stream>(loop_, acceptor.accept());
    talk->client = std::make_unique<CuttingPeer>(loop_, std::move(near), plan);
    // The limits shrink only when the client has fallen silent for good: nothing before can be too slow for them.
    if (plan.how == Cut::silence && plan.said == 0) hurry(*talk->options);
    if (plan.how == Cut::silence) talk->client->before_the_cut([options = talk->options] { hurry(*options); });
    tasks_.spawn("session", serve(*talk, listener_, std::move(far)));
    return talk;
  }
  static void hurry(SmtpOptions& options) {
    SessionLimits& limits = options.limits;
    limits.idle_timeout = limits.data_timeout = limits.handshake_timeout = Duration(1);
  }

  static awaitable<void> serve(Talk& talk, std::shared_ptr<const ListenerPolicy> listener,
                               std::unique_ptr<net::Stream> stream) {
    Session session(*talk.parts, talk.options, std::move(listener), std::move(stream));
    co_await session.run();
    talk.ended = true;
  }

  static awaitable<void> speak(Talk& talk, Dialogue dialogue, Pace pace, net::TlsContext tls) {
    CuttingPeer& client = *talk.client;
    if (pace == Pace::at_once) {
      std::string octets;
      for (const Step& step : dialogue) octets += step.octets;
      co_await client.say(std::move(octets));
      co_await client.hear_out();
      co_return;
    }
    bool going = co_await client.hear_reply();
    for (std::size_t i = 0; going && i < dialogue.size(); ++i) {
      going = co_await client.say(dialogue[i].octets);
      if (going && dialogue[i].then != Step::Then::nothing) going = co_await client.hear_reply();
      if (going && dialogue[i].then == Step::Then::tls) going = co_await client.start_tls(tls);
    }
    co_await client.hear_out();
  }

  StandingClock clock_;
  PasswordWorker worker_;
  Authenticator authenticator_{loop_, clock_, *store_, worker_};
  ConnectionCounts counts_;
  MetricsRegistry registry_;
  SmtpMetrics metrics_{registry_};
  std::shared_ptr<SubmissionOptions> submission_options_ = std::make_shared<SubmissionOptions>();
  std::shared_ptr<const ListenerPolicy> listener_ = [] {
    auto policy = std::make_shared<ListenerPolicy>();
    policy->tls = ListenerTls::starttls;
    return policy;
  }();
};

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t hits = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++hits;
  return hits;
}

std::vector<std::size_t> every(std::size_t step, std::size_t size) {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at <= size; at += step) places.push_back(at);
  if (places.back() != size) places.push_back(size);
  return places;
}

struct FaultCase {
  const char* name;
  Dialogue (*dialogue)();
  Pace pace;
  std::size_t step;  // 1: cut after every octet
  Cut how;
  bool may_be_under_tls() const { return dialogue == secured; }
};
void PrintTo(const FaultCase& c, std::ostream* out) {
  *out << c.name << ", " << to_string(c.how);
}

class EveryOctet : public SessionFaults, public testing::WithParamInterface<FaultCase> {};

TEST_P(EveryOctet, EndsTheSessionAndStoresWhatWasCompleteOnce) {
  const FaultCase& fault = GetParam();
  const Dialogue dialogue = fault.dialogue();
  const std::size_t size = size_of(dialogue);
  for (const auto& talk : play(dialogue, fault.pace, fault.how, every(fault.step, size))) {
    SCOPED_TRACE("cut after " + std::to_string(talk->cut_after) + " of " + std::to_string(size) + ", heard\n" +
                 talk->client->all_heard());
    const std::size_t complete = messages_within(dialogue, talk->cut_after);
    EXPECT_TRUE(talk->ended);
    EXPECT_TRUE(talk->client->is_cut());
    EXPECT_FALSE(talk->client->waited_in_vain());
    EXPECT_EQ(stored_in(*talk), complete);
    EXPECT_EQ(talk->dispatcher.messages.size(), complete);
    EXPECT_EQ(live_bytes(*talk) > 0, complete > 0);
    // Who still listens hears of each message that is kept, and of no other.
    if (fault.how == Cut::half_close || fault.how == Cut::silence) {
      EXPECT_EQ(count(talk->client->all_heard(), " Ok: queued as "), complete);
    }
    const bool said_quit = talk->cut_after == size;
    if (fault.how == Cut::silence && !fault.may_be_under_tls()) {  // where no reply can follow a wait that was given up
      EXPECT_EQ(count(talk->client->all_heard(), "\r\n421 4.4.2 "), said_quit ? 0u : 1u);
    }
    talk->dispatcher.messages.clear();
    talk->store_.reset();
    EXPECT_EQ(talk->memory.used(), 0u);
  }
  EXPECT_TRUE(nobody_counted());
}

std::vector<FaultCase> all_cases() {
  std::vector<FaultCase> all;
  for (Cut how : {Cut::close, Cut::reset, Cut::half_close, Cut::silence}) {
    all.push_back({"plain", plain, Pace::in_step, 1, how});
    all.push_back({"bdat", chunked, Pace::in_step, 1, how});
    all.push_back({"pipelined", two_messages, Pace::at_once, 1, how});
    all.push_back({"starttls", secured, Pace::in_step, 5, how});
    // A handshake that meets its deadline is in tests/unit/net/tls_test.cpp.
    if (how != Cut::silence) all.push_back({"handshake", handshake, Pace::in_step, 9, how});
  }
  return all;
}
std::string name_of(const testing::TestParamInfo<FaultCase>& fault) {
  return std::string(fault.param.name) + "_" + std::string(to_string(fault.param.how));
}
INSTANTIATE_TEST_SUITE_P(Dialogues, EveryOctet, testing::ValuesIn(all_cases()), name_of);

// A body that went to the spool in pieces already leaves none of them there.
TEST_F(SessionFaults, ABodyCutOffWhileItIsStagedLeavesNothing) {
  body_memory_ = 1;
  std::string body = "Subject: x\r\n\r\n";
  for (int line = 0; line < 20'000; ++line) body += "forty octets of text, more or less......\r\n";
  const Dialogue dialogue = joined({{"EHLO client.example\r\n"}}, joined(envelope(), {{"DATA\r\n"}, {body + ".\r\n"}}));
  const std::size_t size = size_of(dialogue);
  std::vector<std::size_t> places;
  for (std::size_t left = 1; left < body.size(); left += 50'001) places.push_back(size - left);
  for (Cut how : {Cut::close, Cut::reset, Cut::half_close}) {
    for (const auto& talk : play(dialogue, Pace::in_step, how, places)) {
      SCOPED_TRACE(std::string(to_string(how)) + " after " + std::to_string(talk->cut_after));
      EXPECT_TRUE(talk->ended);
      EXPECT_EQ(stored_in(*talk), 0u);
      EXPECT_EQ(live_bytes(*talk), 0u);
      EXPECT_EQ(talk->memory.used(), 0u);
    }
  }
}

}  // namespace
}  // namespace postrider::relay
