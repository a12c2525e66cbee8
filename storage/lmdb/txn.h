// Thin owners over LMDB's transactions and cursors: they end what they began and turn error codes into LmdbError. Values
// they answer are views into the map, good until the transaction ends or, in a write transaction, until the next write.
// A Txn belongs to the thread that uses it.
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/lmdb/error.h"

namespace postrider::storage::lmdb {

inline MDB_val as_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view as_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

// Stands for a table that this spool does not have: it is empty, and only readers meet it.
inline constexpr MDB_dbi kAbsentTable = ~MDB_dbi{0};

class Txn {
 public:
  enum class Mode { read, write };
  Txn(MDB_env* env, Mode mode) {
    check("begin a transaction", mdb_txn_begin(env, nullptr, mode == Mode::read ? MDB_RDONLY : 0, &txn_));
  }
  Txn(const Txn&) = delete;
  Txn& operator=(const Txn&) = delete;
  ~Txn() {
    if (txn_) mdb_txn_abort(txn_);
  }

  MDB_txn* raw() const { return txn_; }
  void commit() {
    MDB_txn* txn = txn_;
    txn_ = nullptr;  // gone whether or not it succeeds
    check("commit", mdb_txn_commit(txn));
  }
  void reset() { mdb_txn_reset(txn_); }
  void renew() { check("renew a read transaction", mdb_txn_renew(txn_)); }

  std::optional<std::string_view> get(MDB_dbi table, std::string_view key) const {
    if (table == kAbsentTable) return std::nullopt;
    MDB_val k = as_val(key), v;
    const int code = mdb_get(txn_, table, &k, &v);
    if (code == MDB_NOTFOUND) return std::nullopt;
    check("read", code);
    return as_view(v);
  }
  void put(MDB_dbi table, std::string_view key, std::string_view value, unsigned flags = 0) {
    MDB_val k = as_val(key), v = as_val(value);
    check("write", mdb_put(txn_, table, &k, &v, flags));
  }
  // False: the key is taken, nothing changed.
  bool insert(MDB_dbi table, std::string_view key, std::string_view value) {
    MDB_val k = as_val(key), v = as_val(value);
    const int code = mdb_put(txn_, table, &k, &v, MDB_NOOVERWRITE);
    if (code == MDB_KEYEXIST) return false;
    check("write", code);
    return true;
  }
  // Room for a value of `size` octets, to be filled before the next write.
  char* reserve(MDB_dbi table, std::string_view key, std::size_t size) {
    MDB_val k = as_val(key), v = {size, nullptr};
    check("write", mdb_put(txn_, table, &k, &v, MDB_RESERVE));
    return static_cast<char*>(v.mv_data);
  }
  std::size_t entries(MDB_dbi table) const {
    MDB_stat stat{};
    check("examine a table", mdb_stat(txn_, table, &stat));
    return stat.ms_entries;
  }
  // False: there was nothing under the key.
  bool erase(MDB_dbi table, std::string_view key) {
    MDB_val k = as_val(key);
    const int code = mdb_del(txn_, table, &k, nullptr);
    if (code == MDB_NOTFOUND) return false;
    check("delete", code);
    return true;
  }

 private:
  MDB_txn* txn_ = nullptr;
};

class Cursor {
 public:
  Cursor(const Txn& txn, MDB_dbi table) {
    if (table != kAbsentTable) check("open a cursor", mdb_cursor_open(txn.raw(), table, &cursor_));
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() {
    if (cursor_) mdb_cursor_close(cursor_);
  }

  bool seek(std::string_view key) { return move(MDB_SET_RANGE, key); }  // the first key not less than `key`
  bool first() { return move(MDB_FIRST, {}); }
  bool last() { return move(MDB_LAST, {}); }
  bool next() { return move(MDB_NEXT, {}); }
  bool previous() { return move(MDB_PREV, {}); }
  // The last key less than `key`.
  bool seek_before(std::string_view key) { return seek(key) ? previous() : last(); }
  std::string_view key() const { return as_view(key_); }
  std::string_view value() const { return as_view(value_); }
  void erase() { check("delete", mdb_cursor_del(cursor_, 0)); }

 private:
  bool move(MDB_cursor_op op, std::string_view key) {
    if (!cursor_) return false;
    if (!key.empty()) key_ = as_val(key);
    const int code = mdb_cursor_get(cursor_, &key_, &value_, op);
    if (code == MDB_NOTFOUND) return false;
    check("read", code);
    return true;
  }
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{}, value_{};
};

}  // namespace postrider::storage::lmdb
