#include "mgmt/answers.h"

#include <boost/json/serialize.hpp>

#include "mgmt/media_type.h"

namespace postrider::mgmt {

Response json_response(const boost::json::object& object, http::status status) {
  Response response;
  response.status = status;
  response.content_type = kJson;
  response.body = boost::json::serialize(object);
  return response;
}

Response no_content() {
  Response response;
  response.status = http::status::no_content;
  return response;
}

}  // namespace postrider::mgmt
