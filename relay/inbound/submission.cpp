#include "relay/inbound/submission.h"

#include "relay/inbound/address_rules.h"
#include "relay/inbound/intake.h"
#include "relay/inbound/replies.h"
#include "relay/smtp/newline.h"
#include "relay/smtp/xtext.h"

namespace postrider::relay {
namespace {

// What the client wrote, for notices and the next hop: a relay may name it where the client does not (RFC 3461 5.2.1). What is not ASCII
// would need a form that hops without SMTPUTF8 do not take (RFC 6533 3.).
std::string original_of(const Address& written) {
  const std::string text = written.str();
  return smtp::has_eight_bit(text) ? std::string() : "rfc822;" + smtp::encode_xtext(text);
}

// Aliases come first: the guard judges where the message would go.
std::optional<Reply> apply_guard(const RecipientGuard& guard, RecipientSpec& recipient) {
  if (guard.empty() || guard.allows(recipient.address)) return std::nullopt;
  if (!guard.redirect_to.empty()) {
    auto target = parse_address(guard.redirect_to);
    if (!target || target->is_null()) return replies::kTrouble;  // the user's record is not what was checked
    recipient.redirected_from = recipient.address.str();
    recipient.address = std::move(*target);
    return std::nullopt;
  }
  if (guard.capture.empty()) return replies::kRecipientNotAllowed;
  recipient.captured = true;
  return std::nullopt;
}

class SpoolSubmission final : public Submission {
 public:
  SpoolSubmission(const SubmissionParts& parts, std::shared_ptr<const SubmissionOptions> options)
      : parts_(parts),
        options_(std::move(options)),
        addresses_(options_->addresses, options_->hostname),
        ids_(random_seed()) {}

  std::optional<Reply> check_sender(EnvelopeSpec& envelope) override {
    if (const auto too_long = too_long_held(envelope.steering, options_->steering.max_hold, parts_.clock.now()))
      return Reply(501, "5.5.4", "Too late: " + *too_long);  // RFC 4865 4.2
    addresses_.apply_to_sender(envelope.sender);
    if (envelope.sender.is_null() || may_send_as(envelope.bound_senders, envelope.sender)) return std::nullopt;
    return replies::kSenderNotAllowed;
  }

  std::optional<Reply> check_recipient(const EnvelopeSpec& envelope, RecipientSpec& recipient) override {
    if (recipient.address.is_null()) return replies::kNullRecipient;
    const Address written = recipient.address;
    const bool replaced = addresses_.apply_to_recipient(recipient.address);
    if (replaced && recipient.orcpt.empty()) recipient.orcpt = original_of(written);
    return apply_guard(envelope.guard, recipient);
  }

  std::optional<Reply> can_accept(std::uint64_t declared_size) override {
    if (declared_size > options_->max_message_size) return replies::kTooBig;
    if (!parts_.store.accepting()) return replies::kSpoolFull;
    return std::nullopt;
  }

  std::unique_ptr<Intake> begin(EnvelopeSpec envelope) override {
    return std::make_unique<MessageIntake>(parts_, options_, addresses_, ids_.next(parts_.clock.now()),
                                           std::move(envelope));
  }

  Duration max_hold() const override { return options_->steering.max_hold; }
  const SubmissionOptions& options() const override { return *options_; }

  void use(std::shared_ptr<const SubmissionOptions> options) override {
    options_ = std::move(options);
    addresses_ = AddressBook(options_->addresses, options_->hostname);
  }

 private:
  SubmissionParts parts_;
  std::shared_ptr<const SubmissionOptions> options_;
  AddressBook addresses_;
  MessageIdSource ids_;
};

}  // namespace

Lane lane_of(const EnvelopeSpec& envelope, const SubmissionOptions& options) {
  if (envelope.steering.lane) return *envelope.steering.lane;
  if (options.lanes.empty()) return Lane::normal;
  Envelope routed;
  routed.sender = envelope.sender;
  routed.tenant = envelope.tenant;
  routed.tags = envelope.steering.tags;
  std::vector<Recipient> recipients(envelope.recipients.size());
  for (std::size_t i = 0; i < recipients.size(); ++i) recipients[i].address = envelope.recipients[i].address;
  return lane_by_rule(options.lanes, routed, recipients);
}

std::unique_ptr<Submission> make_submission(SubmissionParts parts, std::shared_ptr<const SubmissionOptions> options) {
  return std::make_unique<SpoolSubmission>(parts, std::move(options));
}

}  // namespace postrider::relay
