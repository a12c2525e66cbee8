// What the memory store holds and how its verbs change it: maps in place of a database, storage/record_rules
// for the meaning. Owned by MemoryStore, called under its lock, by one thread at a time; knows no mailbox and
// no lock itself.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory_store.h"
#include "storage/record_rules.h"
#include "storage/retention_rules.h"
#include "storage/suppression_rules.h"

namespace postrider::storage {

class MemorySpool {
 public:
  explicit MemorySpool(const MemoryStoreOptions& options);

  // What a start does with what the last process left: staged chunks go, claims become uncertain attempts.
  void recover(Time now);

  result<Accepted> accept(NewMessage message);
  result<Nothing> stage(StagedChunk chunk);
  void unstage(const MessageId& id);
  std::vector<Claimed> claim(const std::vector<ClaimRequest>& requests);
  result<Settled> settle(const Settlement& settlement);
  std::vector<result<Steered>> steer(const std::vector<SteerRequest>& requests);
  result<std::shared_ptr<MessageRecord>> amend(const AmendRequest& request);
  Expired expire(const ExpireRequest& request);
  Revived revive(const ReviveRequest& request);
  std::vector<result<Reported>> report(const std::vector<Report>& reports, Time now);
  result<Nothing> put_upstream_state(UpstreamState state, std::vector<Event> events);
  Retired retire(const RetireRequest& request);
  Retired preview_retire(const RetireRequest& request) const;

  result<MessageRecord> find(const MessageId& id) const;
  result<std::vector<Event>> history(const MessageId& id) const;
  ListPage list(const ListQuery& query) const;
  std::vector<Event> events(const EventQuery& query) const;
  result<std::vector<std::shared_ptr<const std::string>>> read_body(const BodyQuery& query) const;
  DuePage due(const DueQuery& query) const;
  OwingPage owing(const OwingQuery& query) const;
  result<MessageId> find_by_provider_id(const std::string& upstream, const std::string& provider_id) const;
  std::vector<UpstreamState> upstream_states() const;
  std::vector<Waiting> waiting() const;
  std::vector<DueHead> due_heads() const;
  VerifyPage verify(const VerifyQuery& query) const;
  SpoolStats stats() const;

  result<Nothing> put_user(UserRecord user, bool must_be_new);
  result<Nothing> remove_user(const std::string& name);
  result<UserRecord> find_user(const std::string& name) const;
  std::vector<UserRecord> list_users() const;

  result<Nothing> put_api_key(ApiKeyRecord key, bool must_be_new);
  result<Nothing> remove_api_key(const std::string& name);
  std::vector<ApiKeyRecord> list_api_keys() const;
  void put_api_key_usage(std::vector<ApiKeyUsage> usage);
  std::vector<ApiKeyUsage> list_api_key_usage() const;

  result<Nothing> put_suppression(Suppression entry);
  result<Nothing> remove_suppression(const std::string& address);
  std::vector<std::optional<Suppression>> find_suppressions(const std::vector<std::string>& addresses) const;
  SuppressionPage list_suppressions(const SuppressionQuery& query) const;

  // The earliest due time put or moved since the last call, but for settles; nothing: none was.
  std::optional<Time> take_due_change();
  // The same of times at which messages expire, by any verb.
  std::optional<Time> take_expiry_change();

 private:
  using Chunks = std::vector<std::shared_ptr<const std::string>>;
  struct Stored {
    MessageRecord record;
    Chunks chunks;
  };
  using Messages = std::map<MessageId, Stored>;
  struct Key {
    MessageId id;
    std::uint64_t fingerprint = 0;
    Time expires{};
  };
  // A walk over the event feed that never turns back: whatever changes a message adds a row ahead of it.
  struct Walk {
    std::uint64_t after = 0;
    bool passed_over = false;  // a finished message was left behind, for its body
  };
  class Change;

  result<Nothing> notify(const Notifies& notifies, const MessageId& notice, Time now);
  void drop_body(Stored& stored);
  result<Reported> take_report(const Report& report, Time now);
  FindSuppression find_in_list() const;
  std::optional<Accepted> known_key(const NewMessage& message) const;
  void number(std::vector<Event> events, MessageRecord& record);
  void note_due(const MessageRecord& record);
  void take_body(Stored& stored, const RetireRequest& request, Retired& retired);
  bool over_history_limit(const RetirePolicy& policy) const;
  void forgive(Time now, std::size_t& rows);
  void retire_bodies(Walk& walk, bool wanted, const RetireRequest& request, std::size_t& rows, Retired& retired);
  void retire_history(const RetireRequest& request, std::size_t& rows, Retired& retired);
  Fate retire_row(MessageId id, std::uint64_t seq, const RetireRequest& request, Retired& retired);
  void erase(Messages::iterator message);
  void retire_upstream_rows(const RetireRequest& request, std::size_t& rows);
  void retire_keys(const RetireRequest& request, std::size_t& rows);
  Time oldest_due() const;
  std::uint64_t used_bytes() const { return stats_.live_bytes + stats_.finished_bytes; }
  bool fits(std::uint64_t more) const { return used_bytes() + more <= stats_.high_water_bytes; }

  std::uint32_t max_interruptions_;
  Messages messages_;
  std::map<DueKey, std::uint64_t> due_;  // to the sender's hash
  std::set<std::pair<Time, MessageId>> expiring_;
  std::set<MessageId> revivable_;
  std::set<std::pair<MessageId, MessageId>> batches_;  // batch, message
  std::map<std::uint64_t, Event> feed_;
  std::set<std::uint64_t> upstream_feed_;  // of feed_, those of no message
  std::map<std::string, UpstreamState> upstreams_;
  std::map<MessageId, Chunks> staged_;
  std::map<std::string, Key> keys_;
  std::multimap<Time, std::string> key_expiry_;
  std::map<std::string, UserRecord> users_;
  std::map<std::string, ApiKeyRecord> api_keys_;
  std::map<std::string, ApiKeyUsage> api_key_usage_;
  std::map<std::string, Suppression> suppressions_;  // by mailbox_key
  Walk sent_bodies_, failed_bodies_, history_;
  SpoolStats stats_;
  std::optional<Time> due_change_, expiry_change_;
};

}  // namespace postrider::storage
