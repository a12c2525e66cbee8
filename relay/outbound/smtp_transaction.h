// SmtpTransaction: one message over one connection, MAIL to the reply after the final dot. Recipients are answered one by one.
// Used once, by one coroutine; refers to what the hand-over owns.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/upstream_config.h"
#include "relay/outbound/smtp_connection.h"
#include "relay/outbound/transport.h"
#include "relay/smtp/newline.h"

namespace postrider::relay {

class SmtpTransaction {
 public:
  SmtpTransaction(SmtpConnection& connection, const UpstreamConfig& config, const Handover& handover);

  struct Result {
    std::vector<RecipientOutcome> outcomes;  // one for each recipient of the hand-over, in its order
    Stage stage = Stage::mail;               // furthest reached
    std::string remote_id;                   // the reply that took responsibility
    bool reusable = false;                   // the connection is good for another message
    // A connection that had been idle was gone, or said 421, before it took anything: nobody has the message, another
    // connection may be tried at once.
    bool stale = false;
    bool no_more_recipients = false;  // some wait only because a transaction here is too small for them
    bool day_used_up = false;         // as Verdict's
  };
  boost::asio::awaitable<Result> run();

 private:
  struct Pending {      // a recipient that is to be named to the peer
    std::size_t place;  // in outcomes
    std::string command;
  };

  bool check_capabilities();
  bool needs_smtputf8(const Recipient& recipient) const;
  std::string path(const Address& address) const;
  std::string mail_command() const;
  std::string rcpt_command(const Recipient& recipient) const;
  void plan_recipients();

  boost::asio::awaitable<bool> envelope_step_by_step();
  boost::asio::awaitable<bool> envelope_pipelined();
  boost::asio::awaitable<bool> take_mail_reply();
  boost::asio::awaitable<bool> take_rcpt_replies(std::span<const Pending> batch);
  boost::asio::awaitable<bool> take_data_reply();
  boost::asio::awaitable<void> end_without_recipients();
  boost::asio::awaitable<void> send_body();
  boost::asio::awaitable<bool> write_body(smtp::Spans& spans);
  boost::asio::awaitable<void> body_refused();
  boost::asio::awaitable<void> take_final_reply();
  boost::asio::awaitable<void> reset();

  bool fail_open(const Answer& answer, Stage stage);
  void settle_open(const Verdict& verdict);
  void settle(std::size_t place, const Verdict& verdict);

  SmtpConnection& connection_;
  const UpstreamConfig& config_;
  const Handover& handover_;
  const MessageRecord& record_;
  Result result_;
  std::vector<Pending> pending_;
  std::vector<bool> settled_;
  std::size_t accepted_ = 0;
  bool smtputf8_ = false;
  bool begun_ = false;   // MAIL was accepted
  bool broken_ = false;  // the dialogue is over
};

}  // namespace postrider::relay
