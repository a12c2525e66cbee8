// A message is worked on: claim, settle, steer, amend.
#include "storage/claim_rules.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/record_rules.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint64_t kSettleWeight = 1024;  // record and event row of one settlement or claim

}  // namespace

Claim::Claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done)
    : Answering(std::move(done), Haste::now, Need::nothing_new, kSettleWeight * (1 + requests.size())),
      requests_(std::move(requests)) {}

void Claim::run(WriteContext& context) {
  std::vector<Claimed> answers;
  answers.reserve(requests_.size());
  const FindSuppression find = find_in_list(context);
  for (const ClaimRequest& request : requests_) {
    Claimed& answer = answers.emplace_back();
    auto message = context.load(request.id);
    if (!message) {
      context.forget_due_of(request.id);
      continue;
    }
    ClaimResult claim = claim_record(message->record(), request, find);
    if (claim.nothing()) continue;
    context.append(message->stored, std::move(claim.events));
    // No settlement will tell when those of its recipients are due that were not due yet.
    context.save(*message, claim.claimed.empty() ? WriteContext::Notice::tell : WriteContext::Notice::quiet);
    answer.recipients = std::move(claim.claimed);
    answer.suppressed = std::move(claim.suppressed);
    answer.record = std::make_shared<MessageRecord>(std::move(message->record()));
  }
  answer_with(std::move(answers));
}

Settle::Settle(Settlement settlement, Done<Settled> done)
    : Answering(std::move(done), Haste::lazy, Need::settle, kSettleWeight * (1 + settlement.updates.size() / 4)),
      settlement_(std::move(settlement)) {}

void Settle::run(WriteContext& context) {
  auto message = context.load(settlement_.id);
  if (!message) return answer_with(message.error());
  auto settled = settle_record(message->record(), settlement_);
  if (!settled) return answer_with(settled.error());
  MessageRecord& record = message->record();
  if (settled->body_may_go) context.drop_body(record);
  context.append(message->stored, std::move(settled->events));
  context.save(*message, WriteContext::Notice::quiet);
  answer_with(settled->settled);
}

Steer::Steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done)
    : Answering(std::move(done), Haste::now, Need::nothing_new, kSettleWeight * (1 + requests.size())),
      requests_(std::move(requests)) {}

void Steer::run(WriteContext& context) {
  std::vector<result<Steered>> answers;
  answers.reserve(requests_.size());
  for (const SteerRequest& request : requests_) {
    auto message = context.load(request.id);
    if (!message) {
      answers.emplace_back(message.error());
      continue;
    }
    auto steered = steer_record(message->record(), request);
    if (!steered) {
      answers.emplace_back(steered.error());
      continue;
    }
    context.append(message->stored, std::move(steered->events));
    context.save(*message, WriteContext::Notice::tell);
    answers.emplace_back(Steered{std::make_shared<MessageRecord>(std::move(message->record())), steered->changed});
  }
  answer_with(std::move(answers));
}

Amend::Amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done)
    : Answering(std::move(done), Haste::now, Need::nothing_new, kSettleWeight), request_(std::move(request)) {}

void Amend::run(WriteContext& context) {
  auto message = context.load(request_.id);
  if (!message) return answer_with(message.error());
  auto events = amend_record(message->record(), request_);
  if (!events) return answer_with(events.error());
  if (!events->empty()) {
    context.append(message->stored, std::move(*events));
    context.save(*message, WriteContext::Notice::tell);
  }
  answer_with(std::make_shared<MessageRecord>(std::move(message->record())));
}

}  // namespace postrider::storage::lmdb
