package audiowriter

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttempts is also in the service config, and more than gRPC's 5. Streams that are opened at once on one connection take
// the servers in turn together, so each attempt of one of them may meet a full server by chance: with one of two servers
// full, one in twenty-five streams failed after 5 attempts.
const maxAttempts = 10

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 200 * time.Millisecond
)

// retryRefused makes a call with ctx until a server does not refuse it, at most maxAttempts times. Unlike gRPC's retry policy
// it does not repeat a call whose connection broke: that may have been the doing of this very request, and a request that
// ends a server must not go on to the next one.
func retryRefused(ctx context.Context, call func() error) error {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil {
			return nil
		}
		failed := callError(ctx, err)
		if attempt == maxAttempts || failed.status.Code() != codes.Unavailable || failed.RetryAfter == 0 {
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
