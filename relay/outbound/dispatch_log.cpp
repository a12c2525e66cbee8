#include "relay/outbound/dispatch_log.h"

#include <optional>
#include <string>

namespace postrider::relay {

namespace {

struct Word {
  LogLevel level;
  std::string_view event;
};

std::optional<Word> word_for(const storage::RecipientUpdate& update) {
  const bool uncertain = update.reason.cause == Cause::uncertain;
  switch (update.trigger) {
    case Trigger::hand_over:
      return Word{LogLevel::info, "message.sent"};
    case Trigger::defer:
      return Word{uncertain ? LogLevel::warn : LogLevel::info, uncertain ? "message.uncertain" : "message.deferred"};
    case Trigger::hold:
      return Word{LogLevel::warn, uncertain ? "message.uncertain" : "message.held"};
    case Trigger::refuse:
      return Word{LogLevel::info, "message.bounced"};
    case Trigger::give_up:
      return Word{LogLevel::warn, "message.failed"};
    case Trigger::claim:
    case Trigger::unclaim:
    case Trigger::release:
    case Trigger::retry:
    case Trigger::cancel:
    case Trigger::expire:
    case Trigger::suppress:
    case Trigger::revive:
    case Trigger::confirm_delivery:
    case Trigger::report_bounce:
      return std::nullopt;  // no outcome of a try, or (unclaim) no news
  }
  return std::nullopt;
}

std::string text_of(const Reason& reason) {
  std::string text;
  if (reason.code != 0) text += std::to_string(reason.code) + " ";
  if (!reason.enhanced.empty()) text += reason.enhanced + " ";
  return text + reason.text;
}

// What met a throttle is due at once and held back by its route.
std::string next_try(const storage::RecipientUpdate& update, Time now) {
  if (update.trigger != Trigger::defer) return "none";
  if (update.reason.cause == Cause::throttle && update.due <= now) return "after the pause";
  return format_rfc3339(update.due);
}

}  // namespace

void log_settlement(Log& log, const MessageRecord& record, const storage::Settlement& settlement) {
  for (const storage::RecipientUpdate& update : settlement.updates) {
    const std::optional<Word> word = word_for(update);
    if (!word || !log.enabled(word->level)) continue;
    const Reason& reason = update.reason;
    const std::string to = record.recipients[update.recipient].address.str();
    if (update.trigger == Trigger::hand_over) {
      log.write(word->level, word->event, &record.id,
                {{"to", to}, {"upstream", update.upstream}, {"reply", update.remote_id}});
    } else {
      log.write(word->level, word->event, &record.id,
                {{"to", to},
                 {"upstream", update.upstream},
                 {"cause", std::string(to_string(reason.cause))},
                 {"stage", std::string(to_string(reason.stage))},
                 {"reason", text_of(reason)},
                 {"next_try_at", next_try(update, settlement.now)}});
    }
  }
}

void log_suppressed(Log& log, const MessageRecord& record, const std::vector<std::uint32_t>& recipients) {
  if (!log.enabled(LogLevel::info)) return;
  for (const std::uint32_t index : recipients) {
    const Recipient& recipient = record.recipients[index];
    log.write(LogLevel::info, "message.suppressed", &record.id,
              {{"to", recipient.address.str()}, {"reason", text_of(recipient.reason)}});
  }
}

void log_unsettled(Log& log, const MessageId& id, const Fault& fault) {
  if (log.enabled(LogLevel::error)) log.write(LogLevel::error, "message.unsettled", &id, {{"reason", fault.text}});
}

void log_opened(Log& log, const Upstream& upstream, const Reason& reason) {
  log.warn("upstream.opened", {{"upstream", upstream.config().name},
                               {"stage", std::string(to_string(reason.stage))},
                               {"reason", text_of(reason)}});
}

void log_closed(Log& log, const Upstream& upstream) {
  log.info("upstream.closed", {{"upstream", upstream.config().name}});
}

void log_paused(Log& log, const Upstream& upstream, const Reason& reason) {
  log.warn("upstream.paused", {{"upstream", upstream.config().name},
                               {"until", format_rfc3339(upstream.paused_until())},
                               {"reason", text_of(reason)}});
}

void log_steered(Log& log, const UpstreamNews& news) {
  using Kind = UpstreamNews::Kind;
  std::string_view word;
  switch (news.kind) {
    case Kind::stopped:
      word = "upstream.stopped";
      break;
    case Kind::resumed:
      word = "upstream.resumed";
      break;
    case Kind::preferred:
      word = "upstream.preferred";
      break;
    case Kind::promoted:
      word = "upstream.promoted";
      break;
    case Kind::rolled_back:
      word = "upstream.rolled_back";
      break;
    case Kind::opened:
    case Kind::closed:
    case Kind::works_again:
    case Kind::paused:
    case Kind::quota_marked:
      return;
  }
  log.warn(word, {{"upstream", news.upstream},
                  {"by", news.actor.empty() ? std::string("postrider") : news.actor},
                  {"reason", text_of(news.reason)}});
}

}  // namespace postrider::relay
