// Credentials: put and remove.
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kMaxUserName = 255;  // half of what LMDB takes as a key

}  // namespace

PutUser::PutUser(UserRecord user, bool must_be_new, Done<Nothing> done)
    : Answering(std::move(done)), user_(std::move(user)), must_be_new_(must_be_new) {}

void PutUser::run(WriteContext& context) {
  if (user_.name.empty() || user_.name.size() > kMaxUserName) {
    return answer_with(invalid("a user name has 1 to " + std::to_string(kMaxUserName) + " octets"));
  }
  if (must_be_new_ && context.txn().get(context.tables().users, user_.name)) {
    return answer_with(Fault{FaultKind::conflict, "there is a user " + user_.name + " already"});
  }
  std::string value;
  encode_user(user_, value);
  context.txn().put(context.tables().users, user_.name, value);
  answer_with(Nothing{});
}

void RemoveUser::run(WriteContext& context) {
  // An empty or overlong name is no key of LMDB's.
  const bool possible = !name_.empty() && name_.size() <= kMaxUserName;
  if (!possible || !context.txn().erase(context.tables().users, name_)) {
    return answer_with(Fault{FaultKind::not_found, "no user " + name_});
  }
  answer_with(Nothing{});
}

}  // namespace postrider::storage::lmdb
