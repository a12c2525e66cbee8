// /v1/suppressions: addresses that get no mail, for admins: listed in their order, page by page, added with a reason, removed. What the
// list does is the store's (storage/store.h). mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "core/clock.h"
#include "core/log.h"
#include "mgmt/router.h"
#include "storage/store.h"

namespace postrider::mgmt {

class SuppressionsApi {
 public:
  // All outlive the router the routes are added to, and so does this.
  SuppressionsApi(Mailbox& home, const Clock& clock, storage::Store& store, Log& log);
  void add_routes(Router& router);

 private:
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> add(const Request& request);
  boost::asio::awaitable<Response> remove(const Request& request);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  Log& log_;
};

// An address as the list has it: domain in A-labels. Faults say what it must be.
result<std::string> suppressible(std::string_view address);

}  // namespace postrider::mgmt
