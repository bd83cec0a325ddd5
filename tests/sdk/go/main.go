// A program that fails as programs do, with the client library as it is published.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

// PayError is what a failed payment ends in.
type PayError struct{ cause error }

func (e *PayError) Error() string { return "付款失败 go: " + e.cause.Error() }
func (e *PayError) Unwrap() error { return e.cause }

func charge(card map[string]string) {
	if _, found := card["id"]; !found {
		panic(&PayError{errors.New("no card")})
	}
}

func pay(card map[string]string) {
	charge(card)
}

func main() {
	options := sentry.ClientOptions{Dsn: os.Getenv("SENTRY_DSN"), Release: "shop-go@1.2.3+45", Environment: "测试", AttachStacktrace: true}
	if err := sentry.Init(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sentry.ConfigureScope(func(scope *sentry.Scope) {
		scope.SetUser(sentry.User{ID: "用户-go"})
		scope.SetTag("等级", "12")
	})
	sentry.AddBreadcrumb(&sentry.Breadcrumb{Category: "cart", Message: "open 购物车"})
	func() {
		defer func() { sentry.CurrentHub().Recover(recover()) }()
		pay(map[string]string{})
	}()
	if !sentry.Flush(10 * time.Second) {
		os.Exit(1)
	}
}
