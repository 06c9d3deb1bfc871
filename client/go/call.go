package audiowriter

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// call is one EncodeStream call. A stream that loses its server has several, one after the other.
type call struct {
	stream     grpc.BidiStreamingClient[audiowriterv1.EncodeStreamRequest, audiowriterv1.EncodeStreamResponse]
	cancel     context.CancelFunc
	started    *audiowriterv1.StreamStarted
	accepted   time.Time
	answers    int // to flushes
	halfClosed atomic.Bool
	replayErr  error         // why the spool could not be sent
	over       chan struct{} // closed when the stream has another call, or has ended
}

// openCall makes a call and waits for started, so that only the config is sent again if a server refuses the stream and
// another accepts it. resume is nil for the first call of a stream. causes are in the chain of errors.
func (w *Writer) openCall(resume *audiowriterv1.ResumePoint, causes ...error) (*call, error) {
	ctx, cancel := context.WithCancel(w.streamCtx)
	c, err := w.startCall(ctx, resume, causes)
	if err != nil {
		cancel()
		return nil, err
	}
	c.cancel = cancel
	return c, nil
}

func (w *Writer) startCall(ctx context.Context, resume *audiowriterv1.ResumePoint, causes []error) (*call, error) {
	var options []grpc.CallOption
	if resume != nil {
		// Without gRPC's own retries, which begin after 50 ms: all streams of a lost server come at the same time.
		options = append(options, grpc.MaxRetryRPCBufferSize(0))
	}
	stream, err := audiowriterv1.NewAudioWriterServiceClient(w.conn).EncodeStream(ctx, options...)
	if err != nil {
		return nil, callError(w.ctx, err, causes...)
	}
	// EOF: the status comes from Recv.
	request := &audiowriterv1.EncodeStreamRequest{Config: w.cfg, Resume: resume}
	if err := stream.Send(request); err != nil && err != io.EOF {
		return nil, callError(w.ctx, err, causes...)
	}
	first, err := stream.Recv()
	if err == io.EOF {
		return nil, ErrTruncated
	}
	if err != nil {
		return nil, callError(w.ctx, err, causes...)
	}
	started := first.GetStarted()
	if started == nil {
		return nil, fmt.Errorf("audiowriter: first response is %T, expected started", first.GetEvent())
	}
	if resume.GetOffset() > 0 && started.GetSerial() != resume.GetSerial() {
		text := "the server is too old to go on in the middle of a file"
		return nil, &Error{Reason: "RESUME_MISMATCH", status: status.New(codes.Aborted, text), causes: causes}
	}
	return &call{stream: stream, started: started, accepted: time.Now(), over: make(chan struct{})}, nil
}

// run receives the stream until its end, through all its calls.
func (w *Writer) run() {
	for {
		c := w.call
		err := w.receive(c)
		c.cancel()       // unblocks a send that waits for flow control
		w.sending.Lock() // other methods wait until it is known whether the stream goes on
		if err != nil {
			err = w.reopen(c, err)
		}
		if c == w.call {
			w.finishRun(err)
			close(c.over)
			return
		}
		close(c.over)
		go w.replay(w.call)
	}
}

func (w *Writer) finishRun(err error) {
	defer w.sending.Unlock()
	w.err = w.withPosition(err)
	w.cancel()
	w.spool.close()
	close(w.done)
}

// reopen replaces c, which has failed with err, by another call. It returns the error of the stream if it can't.
func (w *Writer) reopen(c *call, err error) error {
	if c.replayErr != nil {
		return c.replayErr
	}
	accepted := c.accepted
	for {
		wait, final := w.beforeCall(err, accepted)
		if final != nil {
			return final
		}
		select {
		case <-w.streamCtx.Done():
			return callError(w.ctx, status.FromContextError(w.streamCtx.Err()).Err(), ErrTruncated)
		case <-time.After(wait):
		}
		var next *call
		if next, err = w.openCall(w.assembly.resumePoint(w.Started().GetSerial()), ErrTruncated); err == nil {
			if w.assembly.size == 0 {
				w.started.Store(next.started)
			}
			w.call = next
			return nil
		}
		accepted = time.Time{}
	}
}

// beforeCall returns the delay before the next call and prepares the destination for it. If err, with which the last call
// failed, is final, it returns the error of the stream. accepted is when a server accepted that call; zero if none did.
func (w *Writer) beforeCall(err error, accepted time.Time) (time.Duration, error) {
	failed, ok := err.(*Error)
	if !ok || w.resumption.timeout == 0 || w.streamCtx.Err() != nil || !isBroken(failed) {
		return 0, err
	}
	wait, reason := w.resumption.wait(failed, accepted, w.assembly.size)
	if reason == "" && !w.spool.complete {
		reason = "not resumed: the spool is off, or PCM and flushes have exceeded its limit, or the disk"
	}
	if failed.NotResumed = reason; reason != "" {
		return 0, failed
	}
	if end, ok := w.ctx.Deadline(); ok && time.Until(end) <= wait {
		return 0, failed
	}
	if err := w.assembly.restart(); err != nil {
		return 0, err
	}
	if w.assembly.size > 0 && w.Started().GetSerial() == 0 {
		failed.NotResumed = "not resumed: the server is too old to go on in the middle of a file"
		return 0, failed
	}
	return wait, nil
}

// replay sends everything that was sent before. Then other methods may send.
func (w *Writer) replay(c *call) {
	defer w.sending.Unlock()
	w.spool.rewind()
	for _, request := range w.descriptions {
		if !w.sendAgain(c, request) {
			return
		}
	}
	buffer := make([]byte, maxPCM)
	for w.spool.behind() {
		n, flush, to, err := w.spool.take(buffer)
		if err != nil {
			c.replayErr = fmt.Errorf("%w: read the sent PCM: %w", ErrTruncated, err)
			c.cancel()
			return
		}
		request := &audiowriterv1.EncodeStreamRequest{Pcm: buffer[:n]}
		to.set(request)
		if flush {
			request.Flush = &audiowriterv1.Flush{}
		}
		if !w.sendAgain(c, request) {
			return
		}
	}
	if w.inputEnded {
		c.closeSend()
	}
}

// sendAgain reports whether the call could take the request.
func (w *Writer) sendAgain(c *call, request *audiowriterv1.EncodeStreamRequest) bool {
	err := c.stream.Send(request)
	if err != nil && err != io.EOF { // after EOF the call has ended, and receive has the error
		c.replayErr = callError(w.ctx, err, ErrTruncated)
		c.cancel()
	}
	return err == nil
}

// closeSend ends the input. It fails only if the call has failed; then receive has the error.
func (c *call) closeSend() {
	c.halfClosed.Store(true)
	_ = c.stream.CloseSend()
}

// receive returns nil when the file is complete.
func (w *Writer) receive(c *call) error {
	for {
		response, err := c.stream.Recv()
		if err == io.EOF {
			return fmt.Errorf("%w: server ended the stream", ErrTruncated)
		}
		if err != nil {
			return callError(w.ctx, err, ErrTruncated)
		}
		switch event := response.GetEvent().(type) {
		case *audiowriterv1.EncodeStreamResponse_Chunk:
			if err := w.assembly.chunk(event.Chunk); err != nil {
				return err
			}
			w.inputSamples = event.Chunk.GetInputSamples()
		case *audiowriterv1.EncodeStreamResponse_Flushed:
			w.answer(c, event.Flushed)
		case *audiowriterv1.EncodeStreamResponse_Finished:
			return w.finish(c, event.Finished)
		}
	}
}

// answer passes the answer to a flush on, except if the flush was sent again and an earlier call has answered it.
func (w *Writer) answer(c *call, flushed *audiowriterv1.StreamFlushed) {
	if c.answers++; c.answers <= w.answers {
		return
	}
	w.answers = c.answers
	select {
	case w.flushed <- flushed:
	default: // no Flush is waiting
	}
}

func (w *Writer) finish(c *call, finished *audiowriterv1.StreamFinished) error {
	if !c.halfClosed.Load() {
		return fmt.Errorf("%w: server finished before the end of the input", ErrTruncated)
	}
	if err := w.assembly.finish(finished); err != nil {
		return err
	}
	w.finished = finished
	// The file is complete, so the status adds nothing, but without reading it the call would look cancelled to the server.
	_, _ = c.stream.Recv()
	return nil
}
