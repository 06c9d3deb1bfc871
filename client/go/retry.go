package audiowriter

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttempts is also in the service config. gRPC's default of 5 is too low: streams that are opened at the same time on
// one connection share its round robin, so each attempt of one stream may reach a full server by chance. With one of two
// servers full, one in twenty-five streams failed after 5 attempts.
const maxAttempts = 10

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 200 * time.Millisecond
)

// retryRefused repeats a call until a server does not refuse it, at most maxAttempts times. Unlike gRPC's retry policy it
// does not repeat a call whose connection broke: this request may have crashed the server, and must not crash the next.
func retryRefused(ctx context.Context, call func() error) error {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil {
			return nil
		}
		failed := callError(ctx, err)
		refused := failed.status.Code() == codes.Unavailable && failed.RetryAfter > 0
		if attempt == maxAttempts || !refused && !isTooLate(failed) {
			return failed
		}
		select {
		case <-ctx.Done():
			return callError(ctx, status.FromContextError(ctx.Err()).Err())
		case <-time.After(time.Duration(float64(backoff) * (0.8 + 0.4*rand.Float64()))):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// isTooLate reports whether the call arrived while its server was stopping: after the drain, and before the client knew of
// its end. The server's gRPC answers such a call itself, with the code as the text. What a client cancels has another text.
func isTooLate(e *Error) bool {
	return e.status.Code() == codes.Canceled && e.Reason == "" && e.status.Message() == "CANCELLED"
}
