// Upstreams, routes and what happens to upstreams, as people read them. Input is the JSON of mgmt/upstream_json.h and
// mgmt/upstream_explain.h, as the API gives it. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "cmd/output.h"

namespace postrider::cmd {

// GET /v1/upstreams: a table in the order they are asked, the hot swap in force, and what waits.
std::string render_upstreams(const boost::json::object& answer, const Look& look);
// One upstream after it was steered, in a sentence.
std::string render_steered(const boost::json::object& upstream, const Look& look);
std::string render_forecast(const boost::json::object& answer, const Look& look);  // prefer with dry_run
std::string render_test(const boost::json::object& answer, const Look& look);
// GET or POST /v1/upstreams/{name}/hooks: where its provider reports to, and what was or would be changed there.
std::string render_hooks(const boost::json::object& answer, const Look& look);
// GET /v1/route/explain: the sentence, and each upstream with the reason for or against it.
std::string render_route(const boost::json::object& route, const Look& look);
// GET /v1/messages/{id}/route: the same for each recipient that is not finished.
std::string render_message_route(const boost::json::object& answer, const Look& look);

// An event of an upstream: "primary out of service: connection refused at connect".
std::string upstream_sentence(const boost::json::object& event);
// Who has the mail now that `upstream` does not take it, by the answer of GET /v1/upstreams: "mail goes to backup".
std::string where_mail_goes(const boost::json::object& upstreams, const std::string& upstream);

}  // namespace postrider::cmd
