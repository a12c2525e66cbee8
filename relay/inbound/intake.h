// One message on its way in, behind the Intake interface: header through the editor, body into chunks, then accept, and the first
// attempt from memory. Made by Submission::begin, owned by a door, on one Loop. After a fault it swallows and commit() tells.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "relay/inbound/address_rules.h"
#include "relay/inbound/body_builder.h"
#include "relay/inbound/fingerprint.h"
#include "relay/inbound/header_editor.h"
#include "relay/inbound/submission.h"
#include "relay/outbound/dispatcher.h"
#include "relay/smtp/header_scanner.h"

namespace postrider::relay {

class MessageIntake final : public Intake {
 public:
  // `addresses` are the submission's, which outlives this.
  MessageIntake(const SubmissionParts& parts, std::shared_ptr<const SubmissionOptions> options,
                const AddressBook& addresses, MessageId id, EnvelopeSpec envelope);

  const MessageId& id() const override { return id_; }
  std::size_t write_now(std::string_view octets) override;
  boost::asio::awaitable<void> write(std::string_view octets) override;
  boost::asio::awaitable<SubmissionResult> commit() override;

 private:
  void finish_header(bool body_follows);
  void check_shown_senders();
  void take_steering();
  void take_key();
  void start_fingerprint();
  bool put_header();  // what is left of the edited header into the body; false: make room first
  boost::asio::awaitable<void> make_room();
  boost::asio::awaitable<void> finish_body();
  MessageRecord make_record() const;
  void add_recipients(MessageRecord& record) const;
  void set_times(MessageRecord& record, Time accepted) const;
  storage::NewMessage make_message(Body body);
  boost::asio::awaitable<SubmissionResult> store(storage::NewMessage message);
  SubmissionResult answer(const result<storage::Accepted>& accepted);
  void fail(const Fault& fault);
  void fail(Reply reply);

  SubmissionParts parts_;
  std::shared_ptr<const SubmissionOptions> options_;
  const AddressBook& addresses_;
  const MessageId id_;
  const Time now_;
  EnvelopeSpec envelope_;
  std::unique_ptr<smtp::HeaderScanner> scanner_;  // until the header is complete
  EditedHeader header_;
  std::size_t header_put_ = 0;  // octets of header_.text in the body already
  BodyBuilder body_;
  std::unique_ptr<Fingerprint> fingerprint_;  // only with an idempotency key, and without a fingerprint from outside
  std::uint64_t received_ = 0;                // octets given to us
  bool eight_bit_ = false;
  bool header_eight_bit_ = false;
  std::optional<Reply> failed_;
};

}  // namespace postrider::relay
