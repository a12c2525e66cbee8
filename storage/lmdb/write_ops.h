// The Store verbs that write, as operations of the writer's queue. Each constructor runs on the caller's thread and takes
// over what it is given.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/lmdb/operation.h"
#include "storage/store.h"
#include "storage/suppression_rules.h"

namespace postrider::storage::lmdb {

class Accept final : public Answering<Accepted> {
 public:
  Accept(NewMessage message, Done<Accepted> done);
  void run(WriteContext& context) override;
  std::unique_ptr<WriteOperation> clean_up() const override;

 private:
  std::optional<Accepted> known_key(WriteContext& context) const;
  void remember_key(WriteContext& context) const;
  void claim(WriteContext& context);
  result<Accepted> store(WriteContext& context);
  result<Nothing> notify(WriteContext& context) const;

  NewMessage message_;  // its record is moved to `record_`
  std::shared_ptr<MessageRecord> record_;
  result<std::vector<Event>> events_;  // of accept_record, then of the claim
  bool claimed_ = false;
};

class StageChunk final : public Answering<Nothing> {
 public:
  StageChunk(StagedChunk chunk, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  StagedChunk chunk_;
};

class Unstage final : public Chore {
 public:
  explicit Unstage(MessageId id) : id_(id) {}
  void run(WriteContext& context) override;

 private:
  MessageId id_;
};

class Claim final : public Answering<std::vector<Claimed>> {
 public:
  Claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done);
  void run(WriteContext& context) override;

 private:
  std::vector<ClaimRequest> requests_;
};

class Settle final : public Answering<Settled> {
 public:
  Settle(Settlement settlement, Done<Settled> done);
  void run(WriteContext& context) override;

 private:
  Settlement settlement_;
};

class Steer final : public Answering<std::vector<result<Steered>>> {
 public:
  Steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done);
  void run(WriteContext& context) override;

 private:
  std::vector<SteerRequest> requests_;
};

class Amend final : public Answering<std::shared_ptr<MessageRecord>> {
 public:
  Amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done);
  void run(WriteContext& context) override;

 private:
  AmendRequest request_;
};

class Expire final : public Answering<Expired> {
 public:
  Expire(ExpireRequest request, Done<Expired> done);
  void run(WriteContext& context) override;

 private:
  ExpireRequest request_;
};

class Revive final : public Answering<Revived> {
 public:
  Revive(ReviveRequest request, Done<Revived> done);
  void run(WriteContext& context) override;

 private:
  ReviveRequest request_;
};

class TakeReports final : public Answering<std::vector<result<Reported>>> {
 public:
  TakeReports(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done);
  void run(WriteContext& context) override;

 private:
  std::vector<Report> reports_;
  Time now_;
};

class PutSuppression final : public Answering<Nothing> {
 public:
  PutSuppression(Suppression entry, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  result<Suppression> entry_;  // as it is kept, or what is wrong with it
};

class RemoveSuppression final : public Answering<Nothing> {
 public:
  RemoveSuppression(std::string address, Done<Nothing> done)
      : Answering(std::move(done)), address_(std::move(address)) {}
  void run(WriteContext& context) override;

 private:
  std::string address_;
};

// The list as this transaction sees it, for as long as `context` lives; empty when nobody is on it.
FindSuppression find_in_list(WriteContext& context);

class PutUpstreamState final : public Answering<Nothing> {
 public:
  PutUpstreamState(UpstreamState state, std::vector<Event> events, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  UpstreamState state_;
  std::vector<Event> events_;
};

class Retire final : public Answering<Retired> {
 public:
  Retire(RetireRequest request, Done<Retired> done);
  void run(WriteContext& context) override;

 private:
  RetireRequest request_;
};

class PutUser final : public Answering<Nothing> {
 public:
  PutUser(UserRecord user, bool must_be_new, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  UserRecord user_;
  bool must_be_new_;
};

class RemoveUser final : public Answering<Nothing> {
 public:
  RemoveUser(std::string name, Done<Nothing> done) : Answering(std::move(done)), name_(std::move(name)) {}
  void run(WriteContext& context) override;

 private:
  std::string name_;
};

class PutApiKey final : public Answering<Nothing> {
 public:
  PutApiKey(ApiKeyRecord key, bool must_be_new, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  ApiKeyRecord key_;
  bool must_be_new_;
};

class RemoveApiKey final : public Answering<Nothing> {
 public:
  RemoveApiKey(std::string name, Done<Nothing> done) : Answering(std::move(done)), name_(std::move(name)) {}
  void run(WriteContext& context) override;

 private:
  std::string name_;
};

class PutApiKeyUsage final : public Answering<Nothing> {
 public:
  PutApiKeyUsage(std::vector<ApiKeyUsage> usage, Done<Nothing> done);
  void run(WriteContext& context) override;

 private:
  std::vector<ApiKeyUsage> usage_;
};

}  // namespace postrider::storage::lmdb
