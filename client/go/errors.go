package audiowriter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

var (
	// ErrTruncated is in the chain of every error of a stream that was cut after it had started: what the destination
	// holds is not a whole file.
	ErrTruncated = errors.New("audiowriter: stream cut before the file was finished")

	// ErrCorrupt is in the chain of the error when the bytes received are not those that the server sent.
	ErrCorrupt = errors.New("audiowriter: received bytes differ from those sent")
)

// Error is a call that ended with a status other than OK. [status.FromError], [status.Code] and [errors.As] find it
// through any wrapping.
type Error struct {
	// Reason is the server's word for what happened in UPPER_SNAKE, such as "DRAINING". Empty where only Violations say
	// what is wrong, or where the error did not come from the service.
	Reason string

	// Metadata goes with Reason, such as the limit that was exceeded and its value.
	Metadata map[string]string

	// Violations are the bad fields of an INVALID_ARGUMENT.
	Violations []Violation

	// RetryAfter is how long to wait before the call is sent again. Not 0 only when a server refused the call without doing
	// anything, because it was full or about to stop.
	RetryAfter time.Duration

	status *status.Status
	causes []error
}

// Violation is one bad field.
type Violation struct {
	// Field is the path as in the proto, such as "config.output.sample_rate_hz".
	Field string

	// Description says what is wrong with it and what would do.
	Description string
}

// Error gives the code and the server's message, which names each bad field.
func (e *Error) Error() string {
	return fmt.Sprintf("audiowriter: %s: %s", e.status.Code(), e.status.Message())
}

// GRPCStatus gives the status with all its details.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Unwrap gives [ErrTruncated] where a stream was cut, and the error and the cause of the context where that ended the call.
func (e *Error) Unwrap() []error { return e.causes }

// callError makes an Error from what a call made with ctx returned.
func callError(ctx context.Context, err error, causes ...error) *Error {
	if ctx.Err() != nil {
		causes = append(causes, ctx.Err(), context.Cause(ctx))
	}
	st := status.Convert(err)
	e := &Error{status: st, causes: causes}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.Metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.Violations = append(e.Violations, Violation{Field: v.GetField(), Description: v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	return e
}
