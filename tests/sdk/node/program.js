// A program that fails as programs do, with the client library as it is published.
const Sentry = require("@sentry/node");

Sentry.init({ dsn: process.env.SENTRY_DSN, release: "shop-node@1.2.3+45", environment: "测试" });
Sentry.setUser({ id: "用户-node" });
Sentry.setTag("等级", "12");
Sentry.addBreadcrumb({ category: "cart", message: "open 购物车" });

class PayError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = "PayError";
  }
}

function charge(card) {
  return card.id.length;
}

function pay(card) {
  try {
    return charge(card);
  } catch (error) {
    throw new PayError("付款失败 node", { cause: error });
  }
}

try {
  pay({});
} catch (error) {
  Sentry.captureException(error);
}
Sentry.close(10000).then((sent) => process.exit(sent ? 0 : 1));
