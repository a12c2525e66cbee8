// Users: put and remove.
#include "storage/credential_rules.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"

namespace postrider::storage::lmdb {

PutUser::PutUser(UserRecord user, bool must_be_new, Done<Nothing> done)
    : Answering(std::move(done)), user_(std::move(user)), must_be_new_(must_be_new) {}

void PutUser::run(WriteContext& context) {
  const bool exists =
      is_credential_name(user_.name) && context.txn().get(context.tables().users, user_.name).has_value();
  auto checked = check_user(user_, exists, must_be_new_);
  if (!checked) return answer_with(std::move(checked));
  std::string value;
  encode_user(user_, value);
  context.txn().put(context.tables().users, user_.name, value);
  answer_with(Nothing{});
}

void RemoveUser::run(WriteContext& context) {
  // No other name is a key of LMDB's.
  if (!is_credential_name(name_) || !context.txn().erase(context.tables().users, name_)) {
    return answer_with(no_user(name_));
  }
  answer_with(Nothing{});
}

}  // namespace postrider::storage::lmdb
