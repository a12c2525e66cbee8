#include "relay/outbound/request_worker.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <exception>

namespace postrider::relay {
namespace {

result<providers::Request> request_for(const RequestWorker::Job& job) {
  try {
    return job.provider.build(job.upstream, {*job.message, job.recipients, *job.body}, job.now);
  } catch (const std::exception& e) {
    return Fault{FaultKind::unavailable, std::string("the request could not be put together: ") + e.what()};
  }
}

}  // namespace

RequestWorker::RequestWorker() {
  boost::asio::post(pool_, [] { pthread_setname_np(pthread_self(), "requests"); });
}

void RequestWorker::build(Job job, Done<providers::Request> done) {
  boost::asio::post(pool_, [job = std::move(job), done = std::move(done)]() mutable {
    result<providers::Request> request = request_for(job);
    done.complete(std::move(request));
  });
}

void RequestWorker::close() {
  pool_.join();
}

}  // namespace postrider::relay
