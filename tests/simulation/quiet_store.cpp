#include "tests/simulation/quiet_store.h"

#include <utility>

namespace postrider::sim {

using namespace storage;

bool QuietStore::deliver_answers() {
  std::vector<Task> tasks = inbox_.take(unanswered_ > 0);
  for (Task& task : tasks) task();
  return !tasks.empty();
}

// The writer answers in commit order, so the answer to a write that changes nothing comes behind everything else.
void QuietStore::catch_up() {
  bool answered = false;
  ++unanswered_;
  inner_->remove_user("nobody", Done<Nothing>(inbox_, [this, &answered](const result<Nothing>&) {
                        --unanswered_;
                        answered = true;
                      }));
  while (!answered) deliver_answers();
}

void QuietStore::Inbox::post(std::vector<Task> tasks) {
  const std::lock_guard lock(mutex_);
  for (Task& task : tasks) tasks_.push_back(std::move(task));
  came_.notify_one();
}

std::vector<Task> QuietStore::Inbox::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) came_.wait(lock, [this] { return !tasks_.empty(); });
  return std::exchange(tasks_, {});
}

std::function<void(Time)> QuietStore::by_inbox(Mailbox& where, std::function<void(Time)> call) {
  return [&where, call = std::move(call)](Time earliest) {
    std::vector<Task> one;
    one.emplace_back([call, earliest] { call(earliest); });
    where.post(std::move(one));
  };
}

void QuietStore::on_due_changed(Mailbox& where, std::function<void(Time)> call) {
  inner_->on_due_changed(inbox_, by_inbox(where, std::move(call)));
}
void QuietStore::on_expiry_changed(Mailbox& where, std::function<void(Time)> call) {
  inner_->on_expiry_changed(inbox_, by_inbox(where, std::move(call)));
}

void QuietStore::accept(NewMessage message, Done<Accepted> done) {
  inner_->accept(std::move(message), counted(std::move(done)));
}
void QuietStore::stage(StagedChunk chunk, Done<Nothing> done) {
  inner_->stage(std::move(chunk), counted(std::move(done)));
}
void QuietStore::unstage(MessageId id) {
  inner_->unstage(id);
}
void QuietStore::claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done) {
  ++claims_;
  inner_->claim(std::move(requests), counted(std::move(done)));
}
void QuietStore::settle(Settlement settlement, Done<Settled> done) {
  inner_->settle(std::move(settlement), counted(std::move(done)));
}
void QuietStore::steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done) {
  inner_->steer(std::move(requests), counted(std::move(done)));
}
void QuietStore::amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done) {
  inner_->amend(std::move(request), counted(std::move(done)));
}
void QuietStore::find(MessageId id, Done<MessageRecord> done) {
  inner_->find(id, counted(std::move(done)));
}
void QuietStore::history(MessageId id, Done<std::vector<Event>> done) {
  inner_->history(id, counted(std::move(done)));
}
void QuietStore::list(ListQuery query, Done<ListPage> done) {
  inner_->list(std::move(query), counted(std::move(done)));
}
void QuietStore::events(EventQuery query, Done<std::vector<Event>> done) {
  inner_->events(query, counted(std::move(done)));
}
void QuietStore::read_body(BodyQuery query, Done<std::vector<std::shared_ptr<const std::string>>> done) {
  inner_->read_body(query, counted(std::move(done)));
}
void QuietStore::due(DueQuery query, Done<DuePage> done) {
  ++pages_;
  inner_->due(query, counted(std::move(done)));
}
void QuietStore::verify(VerifyQuery query, Done<VerifyPage> done) {
  inner_->verify(query, counted(std::move(done)));
}
void QuietStore::retire(RetireRequest request, Done<Retired> done) {
  inner_->retire(request, counted(std::move(done)));
}
void QuietStore::preview_retire(RetireRequest request, Done<Retired> done) {
  inner_->preview_retire(request, counted(std::move(done)));
}
void QuietStore::find_by_provider_id(std::string upstream, std::string provider_id, Done<MessageId> done) {
  inner_->find_by_provider_id(std::move(upstream), std::move(provider_id), counted(std::move(done)));
}
void QuietStore::report(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done) {
  inner_->report(std::move(reports), now, counted(std::move(done)));
}
void QuietStore::put_suppression(Suppression entry, Done<Nothing> done) {
  inner_->put_suppression(std::move(entry), counted(std::move(done)));
}
void QuietStore::remove_suppression(std::string address, Done<Nothing> done) {
  inner_->remove_suppression(std::move(address), counted(std::move(done)));
}
void QuietStore::find_suppressions(std::vector<std::string> addresses,
                                   Done<std::vector<std::optional<Suppression>>> done) {
  inner_->find_suppressions(std::move(addresses), counted(std::move(done)));
}
void QuietStore::list_suppressions(SuppressionQuery query, Done<SuppressionPage> done) {
  inner_->list_suppressions(std::move(query), counted(std::move(done)));
}
void QuietStore::expire(ExpireRequest request, Done<Expired> done) {
  inner_->expire(request, counted(std::move(done)));
}
void QuietStore::revive(ReviveRequest request, Done<Revived> done) {
  inner_->revive(std::move(request), counted(std::move(done)));
}
void QuietStore::put_upstream_state(UpstreamState state, std::vector<Event> events, Done<Nothing> done) {
  inner_->put_upstream_state(std::move(state), std::move(events), counted(std::move(done)));
}
void QuietStore::upstream_states(Done<std::vector<UpstreamState>> done) {
  inner_->upstream_states(counted(std::move(done)));
}
void QuietStore::waiting(Done<std::vector<Waiting>> done) {
  inner_->waiting(counted(std::move(done)));
}
void QuietStore::due_heads(Done<std::vector<storage::DueHead>> done) {
  inner_->due_heads(counted(std::move(done)));
}
void QuietStore::owing(OwingQuery query, Done<OwingPage> done) {
  inner_->owing(query, counted(std::move(done)));
}
void QuietStore::put_user(UserRecord user, bool must_be_new, Done<Nothing> done) {
  inner_->put_user(std::move(user), must_be_new, counted(std::move(done)));
}
void QuietStore::remove_user(std::string name, Done<Nothing> done) {
  inner_->remove_user(std::move(name), counted(std::move(done)));
}
void QuietStore::find_user(std::string name, Done<UserRecord> done) {
  inner_->find_user(std::move(name), counted(std::move(done)));
}
void QuietStore::list_users(Done<std::vector<UserRecord>> done) {
  inner_->list_users(counted(std::move(done)));
}
void QuietStore::put_api_key(ApiKeyRecord key, bool must_be_new, Done<Nothing> done) {
  inner_->put_api_key(std::move(key), must_be_new, counted(std::move(done)));
}
void QuietStore::remove_api_key(std::string name, Done<Nothing> done) {
  inner_->remove_api_key(std::move(name), counted(std::move(done)));
}
void QuietStore::list_api_keys(Done<std::vector<ApiKeyRecord>> done) {
  inner_->list_api_keys(counted(std::move(done)));
}
void QuietStore::put_api_key_usage(std::vector<ApiKeyUsage> usage, Done<Nothing> done) {
  inner_->put_api_key_usage(std::move(usage), counted(std::move(done)));
}
void QuietStore::list_api_key_usage(Done<std::vector<ApiKeyUsage>> done) {
  inner_->list_api_key_usage(counted(std::move(done)));
}

}  // namespace postrider::sim
