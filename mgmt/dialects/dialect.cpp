#include "mgmt/dialects/dialect.h"

namespace postrider::mgmt {

Route sending_route(std::string_view path, Render render, Handler handler) {
  Route route;
  route.method = http::verb::post;
  route.pattern = path;
  route.access = Access::send;
  route.produces = kJson;
  route.handler = std::move(handler);
  route.body = BodySize::message;
  route.render = render;
  return route;
}

}  // namespace postrider::mgmt
