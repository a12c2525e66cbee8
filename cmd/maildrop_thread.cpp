#include "cmd/maildrop_thread.h"

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

const std::string& prepared(const std::string& directory) {
  const auto done = relay::prepare_maildrop(directory);
  if (!done) throw CommandError(EX_CANTCREAT, "the drop directory (sendmail.maildrop): " + done.error().text);
  return directory;
}

relay::SubmissionParts submission_parts(net::Loop& loop, const MaildropThreadParts& parts) {
  return {loop, loop.clock(), parts.store, nullptr, parts.body_memory, parts.log};
}

}  // namespace

MaildropThread::MaildropThread(const MaildropThreadParts& parts,
                               std::shared_ptr<const relay::SubmissionOptions> submission, const std::string& directory)
    : thread_("maildrop", parts.log),
      submission_(relay::make_submission(submission_parts(thread_.loop(), parts), std::move(submission))),
      collector_({thread_.loop(), thread_.loop().clock(), thread_.loop(), *submission_, parts.log}, directory),
      watch_(thread_.loop(), prepared(directory), [this] { collector_.look(); }) {}

void MaildropThread::start() {
  thread_.run();
  thread_.loop().post(Task([this] {
    watch_.start();
    collector_.start();
  }));
}

void MaildropThread::use(std::shared_ptr<const relay::SubmissionOptions> submission) {
  thread_.loop().post(
      Task([this, submission = std::move(submission)]() mutable { submission_->use(std::move(submission)); }));
}

std::future<void> MaildropThread::drain() {
  return thread_.spawn("drain maildrop", [this] {
    watch_.stop();
    return collector_.drain();
  });
}

}  // namespace postrider::cmd
