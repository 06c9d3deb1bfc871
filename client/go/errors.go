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
	// ErrTruncated is in the chain of every error of a stream that was cut after it had started: the destination holds an
	// incomplete file.
	ErrTruncated = errors.New("audiowriter: stream cut before the file was finished")

	// ErrCorrupt is in the error's chain when the received bytes differ from those that the server sent.
	ErrCorrupt = errors.New("audiowriter: received bytes differ from those sent")
)

// Error is a call that ended with a status other than OK. [status.FromError], [status.Code] and [errors.As] find it in
// wrapped errors too.
type Error struct {
	// Reason is the server's reason in UPPER_SNAKE case, such as "DRAINING". It is empty only if the error did not come from
	// the service. A server that knows more reasons may send them; the code of the status says what to do.
	Reason string

	// Metadata belongs to Reason, such as the limit that was exceeded and its value.
	Metadata map[string]string

	// Violations are the invalid fields of an INVALID_ARGUMENT.
	Violations []Violation

	// RetryAfter is how long to wait before repeating the call. It is set only if a server refused the call without
	// processing it, because it was full or about to stop; otherwise it is 0.
	RetryAfter time.Duration

	// NotResumed says why a stream that has lost its server was not sent again to another one. It is empty if every server
	// would return the error, or if the caller has ended the stream or turned this off.
	NotResumed string

	// BytesReceived is how many bytes of the file the destination of a [Writer] has. InputSamples is how many samples per
	// channel the server had received when it sent the last of them: how far a listener got.
	BytesReceived int64
	InputSamples  int64

	status *status.Status
	causes []error
}

// Violation describes one invalid field.
type Violation struct {
	// Field is its path as in the proto, such as "config.output.sample_rate_hz".
	Field string

	// Description states what is wrong and what would be accepted.
	Description string
}

// Error returns the code, the server's message, which names each invalid field, and NotResumed.
func (e *Error) Error() string {
	text := fmt.Sprintf("audiowriter: %s: %s", e.status.Code(), e.status.Message())
	if e.NotResumed != "" {
		text += "; " + e.NotResumed
	}
	return text
}

// GRPCStatus returns the status with all its details.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Unwrap returns [ErrTruncated] if a stream was cut, and the error and cause of the context if that ended the call.
func (e *Error) Unwrap() []error { return e.causes }

// callError converts the error of a call that was made with ctx to an Error.
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
