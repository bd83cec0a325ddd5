// A program that fails as programs do, with the client library as it is published.
package com.shop;

import io.sentry.Breadcrumb;
import io.sentry.Sentry;
import io.sentry.protocol.User;
import java.util.Map;

public final class Program {
    static final class PayException extends RuntimeException {
        PayException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    static int charge(Map<String, String> card) {
        return card.get("id").length();
    }

    static int pay(Map<String, String> card) {
        try {
            return charge(card);
        } catch (NullPointerException error) {
            throw new PayException("付款失败 java", error);
        }
    }

    public static void main(String[] arguments) {
        Sentry.init(options -> {
            options.setDsn(System.getenv("SENTRY_DSN"));
            options.setRelease("shop-java@1.2.3+45");
            options.setEnvironment("测试");
            options.addInAppInclude("com.shop");
        });
        User user = new User();
        user.setId("用户-java");
        Sentry.setUser(user);
        Sentry.setTag("等级", "12");
        Sentry.startSession();
        Breadcrumb crumb = new Breadcrumb("open 购物车");
        crumb.setCategory("cart");
        Sentry.addBreadcrumb(crumb);
        try {
            pay(Map.of());
        } catch (PayException error) {
            Sentry.captureException(error);
        }
        Sentry.endSession();
        Sentry.close();
    }
}
