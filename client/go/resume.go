package audiowriter

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// maxLosses is how many servers may be lost in a row without any progress of the stream, because it may be the stream that
// crashes them.
const maxLosses = 5

const (
	firstResumeBackoff = 50 * time.Millisecond
	maxResumeBackoff   = 2 * time.Second
	// resumeJitter is larger than for other calls: all streams of a server are lost together, and each is work to replay.
	resumeJitter = 0.5
	// stableAfter is the time after which a server that has accepted the stream counts as progress, even if there was nothing
	// to encode.
	stableAfter = 5 * time.Second
)

// resumption decides whether a stream whose call has failed is sent again, and after which delay.
type resumption struct {
	timeout  time.Duration
	end      time.Time // of the current outage
	backoff  time.Duration
	losses   int
	furthest int64 // the most bytes that the destination had at a loss
}

// wait returns the delay before the next call. accepted is when a server accepted the call that failed, and zero if none
// did; size is how many bytes the destination has. If reason is not empty, it says why the stream is not sent again.
func (r *resumption) wait(failed *Error, accepted time.Time, size int64) (wait time.Duration, reason string) {
	now := time.Now()
	progress := size > r.furthest || !accepted.IsZero() && now.Sub(accepted) >= stableAfter
	if progress || r.end.IsZero() {
		r.end, r.losses, r.backoff = now.Add(r.timeout), 0, firstResumeBackoff
	}
	r.furthest = max(r.furthest, size)
	if !accepted.IsZero() {
		r.losses++
	}
	wait = scale(r.backoff, 1-resumeJitter, 1)
	r.backoff = min(2*r.backoff, maxResumeBackoff)
	if failed.RetryAfter > 0 {
		wait = max(wait, scale(failed.RetryAfter, 1, 1+resumeJitter))
	}
	if r.losses > maxLosses {
		return 0, fmt.Sprintf("not resumed: %d servers were lost in a row while they encoded this stream", r.losses)
	}
	if !now.Add(wait).Before(r.end) {
		return 0, fmt.Sprintf("not resumed within the timeout of %v", r.timeout)
	}
	return wait, ""
}

// scale returns d multiplied by a random number.
func scale(d time.Duration, low, high float64) time.Duration {
	return time.Duration(float64(d) * (low + (high-low)*rand.Float64()))
}

// isBroken reports whether the server or the connection was lost, or the server gives the stream away, so that another may
// take it. A proxy that has sent headers can only reset a stream whose server it has lost. gRPC reports that with one of
// several codes, and without details.
func isBroken(e *Error) bool {
	switch e.status.Code() {
	case codes.Unavailable:
		return true
	case codes.Internal, codes.Canceled, codes.Unknown:
		return isTooLate(e) || e.Reason == "" && strings.Contains(e.status.Message(), "RST_STREAM")
	default:
		return false
	}
}
