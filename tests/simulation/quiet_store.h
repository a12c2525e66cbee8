// QuietStore: any Store, with a count of what it has not answered yet, so that a simulation can wait until it is quiet,
// without sleeping. Every answer of the inner store lands in one inbox first, and goes from there to whom it is for.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/store.h"

namespace postrider::sim {

class QuietStore final : public storage::Store {
 public:
  explicit QuietStore(std::unique_ptr<storage::Store> inner) : inner_(std::move(inner)) {}

  storage::Store& inner() { return *inner_; }
  void replace(std::unique_ptr<storage::Store> inner) { inner_ = std::move(inner); }
  // Delivers answers that have come, waiting for one if there is none but some are to come. False: the store is quiet.
  bool deliver_answers();
  // The same for what comes without being asked for: after it, every due change of a commit so far is delivered.
  void catch_up();
  std::size_t claims() const { return claims_; }  // calls of claim() so far
  std::size_t pages() const { return pages_; }    // calls of due() so far

  void accept(storage::NewMessage message, Done<storage::Accepted> done) override;
  void stage(storage::StagedChunk chunk, Done<Nothing> done) override;
  void unstage(MessageId id) override;
  void claim(std::vector<storage::ClaimRequest> requests, Done<std::vector<storage::Claimed>> done) override;
  void settle(storage::Settlement settlement, Done<storage::Settled> done) override;
  void steer(std::vector<storage::SteerRequest> requests, Done<std::vector<result<storage::Steered>>> done) override;
  void amend(storage::AmendRequest request, Done<std::shared_ptr<MessageRecord>> done) override;
  void find(MessageId id, Done<MessageRecord> done) override;
  void history(MessageId id, Done<std::vector<Event>> done) override;
  void list(storage::ListQuery query, Done<storage::ListPage> done) override;
  void events(storage::EventQuery query, Done<std::vector<Event>> done) override;
  void read_body(storage::BodyQuery query, Done<std::vector<std::shared_ptr<const std::string>>> done) override;
  void due(storage::DueQuery query, Done<storage::DuePage> done) override;
  void verify(storage::VerifyQuery query, Done<storage::VerifyPage> done) override;
  void retire(storage::RetireRequest request, Done<storage::Retired> done) override;
  void find_by_provider_id(std::string upstream, std::string provider_id, Done<MessageId> done) override;
  void report(std::vector<storage::Report> reports, Time now,
              Done<std::vector<result<storage::Reported>>> done) override;
  void put_suppression(storage::Suppression entry, Done<Nothing> done) override;
  void remove_suppression(std::string address, Done<Nothing> done) override;
  void find_suppressions(std::vector<std::string> addresses,
                         Done<std::vector<std::optional<storage::Suppression>>> done) override;
  void list_suppressions(storage::SuppressionQuery query, Done<storage::SuppressionPage> done) override;
  void expire(storage::ExpireRequest request, Done<storage::Expired> done) override;
  void revive(storage::ReviveRequest request, Done<storage::Revived> done) override;
  void put_upstream_state(storage::UpstreamState state, std::vector<Event> events, Done<Nothing> done) override;
  void upstream_states(Done<std::vector<storage::UpstreamState>> done) override;
  void waiting(Done<std::vector<storage::Waiting>> done) override;
  void due_heads(Done<std::vector<storage::DueHead>> done) override;
  void owing(storage::OwingQuery query, Done<storage::OwingPage> done) override;
  void preview_retire(storage::RetireRequest request, Done<storage::Retired> done) override;
  void put_user(storage::UserRecord user, bool must_be_new, Done<Nothing> done) override;
  void remove_user(std::string name, Done<Nothing> done) override;
  void find_user(std::string name, Done<storage::UserRecord> done) override;
  void list_users(Done<std::vector<storage::UserRecord>> done) override;
  void put_api_key(storage::ApiKeyRecord key, bool must_be_new, Done<Nothing> done) override;
  void remove_api_key(std::string name, Done<Nothing> done) override;
  void list_api_keys(Done<std::vector<storage::ApiKeyRecord>> done) override;
  void put_api_key_usage(std::vector<storage::ApiKeyUsage> usage, Done<Nothing> done) override;
  void list_api_key_usage(Done<std::vector<storage::ApiKeyUsage>> done) override;
  storage::SpoolStats stats() const override { return inner_->stats(); }
  bool accepting() const override { return inner_->accepting(); }
  bool can_settle() const override { return inner_->can_settle(); }
  void on_due_changed(Mailbox& where, std::function<void(Time)> call) override;
  void on_expiry_changed(Mailbox& where, std::function<void(Time)> call) override;
  void close() override { inner_->close(); }

 private:
  // Times that are told unasked take the way of the answers.
  std::function<void(Time)> by_inbox(Mailbox& where, std::function<void(Time)> call);

  class Inbox final : public Mailbox {
   public:
    void post(std::vector<Task> tasks) override;
    std::vector<Task> take(bool wait);

   private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<Task> tasks_;
  };

  template <typename T>
  Done<T> counted(Done<T> done) {
    ++unanswered_;
    return Done<T>(inbox_, [this, d = std::move(done)](result<T> value) mutable {
      --unanswered_;
      d.complete(std::move(value));
    });
  }

  Inbox inbox_;
  std::size_t unanswered_ = 0;  // on the simulation's thread only
  std::size_t claims_ = 0, pages_ = 0;
  std::unique_ptr<storage::Store> inner_;
};

}  // namespace postrider::sim
