package audiowriter

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// maxPCM is the maximum size of the PCM in one message, in bytes. The service accepts 1 MiB; a smaller size keeps the
// latency of a large Write low.
const maxPCM = 256 << 10

// Writer encodes the PCM written to it and writes the file to its destination while the file is being made.
//
// Every Writer must be ended by [Writer.Close], [Writer.Abort] or its context; otherwise it leaks a goroutine and a
// stream. Its methods must not be called concurrently; cancel the context to end it from another goroutine.
//
// A Writer survives the loss of its server. It keeps the PCM that it has sent (see [WithSpoolBytes]). If the call ends with
// UNAVAILABLE, or the connection or the stream is reset, it sends the stream again from its start to any server of the
// connection, for up to 60 s (see [WithResumeTimeout]). Meanwhile the methods only block. A destination that can be written
// again from its start, such as a file, is. Any other gets the bytes that follow those that it has. If the new server
// encodes the audio to other bytes, Opus and AAC go on with its packets (but not in M4A); in other formats the stream ends
// with an [*Error] whose Reason is RESUME_MISMATCH.
//
// PCM for a destination that gets its header at the end is gathered for messages of a second (see [WithBuffer]).
//
// After the stream has failed, every method returns the error that ended it: an [*Error] with [ErrTruncated] in its chain
// if the call failed, [ErrCorrupt] if length, hash or CRC are wrong, or the error of the destination.
type Writer struct {
	ctx       context.Context // the caller's: distinguishes its end from the stream's
	streamCtx context.Context
	cancel    context.CancelFunc
	conn      grpc.ClientConnInterface
	cfg       *audiowriterv1.StreamConfig
	started   atomic.Pointer[audiowriterv1.StreamStarted]
	settle    func(error) error // called once with the error of the stream; returns the error of the Writer

	// Owned by the goroutine of run until it closes done.
	assembly     *assembly
	resumption   resumption
	answers      int // to flushes
	inputSamples int64
	finished     *audiowriterv1.StreamFinished
	err          error

	// sending is held by a method that sends, and from the end of a call until the next one has everything.
	sending    sync.Mutex
	call       *call // set by run
	spool      *spool
	inputEnded bool

	// descriptions is what Describe has sent. Each call of the stream needs it.
	descriptions []*audiowriterv1.EncodeStreamRequest

	// gathered is the PCM that waits until there are gatherBytes of it. It was not sent, and is not in the spool.
	gathered    []byte
	gatherBytes int
	place       place // of gathered, or of the next PCM
	lanes       lanes

	done    chan struct{}
	flushed chan *audiowriterv1.StreamFlushed
	ended   bool
}

// NewWriter opens a stream and returns when the server has accepted cfg. If it refuses cfg, the error is an [*Error]
// whose Violations name each invalid field.
//
// The file is written to dst from its current position. If dst is an [io.WriterAt], such as an [os.File], the header is
// written at its start when the file is finished. A pipe, or any other dst, gets a file that plays but may not contain its
// length; [Writer.Header] returns the header. A file opened with O_APPEND is refused, because its header can't be written:
// pass struct{ io.Writer }{f} to stream into it without the header.
//
// If the stream loses its server, a dst that is an [io.Seeker] and has a method Truncate(int64) error, such as an [os.File],
// is written again from the same position, unless other bytes follow.
//
// Another goroutine writes to dst until Close or Abort returns. A slow dst slows the stream, and the server ends a stream
// that makes no progress for too long. ctx applies to the whole stream; it can't interrupt a Write of dst in progress.
func NewWriter(
	ctx context.Context, conn grpc.ClientConnInterface, dst io.Writer, cfg *audiowriterv1.StreamConfig, opts ...Option,
) (*Writer, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	return newWriter(ctx, conn, dst, cfg, o, func(err error) error { return err })
}

func newWriter(
	ctx context.Context, conn grpc.ClientConnInterface, dst io.Writer, cfg *audiowriterv1.StreamConfig, o *options,
	settle func(error) error,
) (*Writer, error) {
	assembly, err := newAssembly(dst)
	if err != nil {
		return nil, err
	}
	streamCtx, cancel := context.WithCancel(ctx)
	w := &Writer{
		ctx: ctx, streamCtx: streamCtx, cancel: cancel, conn: conn, cfg: proto.CloneOf(cfg), settle: settle,
		assembly: assembly, spool: newSpool(o.spoolBytes), resumption: resumption{timeout: o.resumeTimeout},
		gatherBytes: o.gatherBytes(cfg.GetInput(), assembly.live()), place: place{position: Next},
		lanes: newLanes(cfg.GetInput()),
		done:  make(chan struct{}), flushed: make(chan *audiowriterv1.StreamFlushed, 1),
	}
	if w.call, err = w.openCall(nil); err != nil {
		cancel()
		return nil, err
	}
	w.started.Store(w.call.started)
	go w.run()
	return w, nil
}

// Started returns the output config as the server resolved it, with every default filled in.
func (w *Writer) Started() *audiowriterv1.StreamStarted { return w.started.Load() }

// Result returns the totals of the finished file. It returns nil until Close has returned without an error.
func (w *Writer) Result() *audiowriterv1.Totals { return w.complete().GetTotals() }

// Header returns the bytes that replace the first bytes of the file, for a destination in which the Writer could not
// replace them. It is empty if there is nothing to replace, and until Close has returned without an error.
func (w *Writer) Header() []byte { return w.complete().GetHeader() }

func (w *Writer) complete() *audiowriterv1.StreamFinished {
	if w.ended && w.err == nil {
		return w.finished
	}
	return nil
}

// Write sends interleaved little-endian samples in the input's sample format, or gathers them for a message (see
// [WithBuffer]). The data may be cut anywhere, even inside a sample. Write blocks while the server is behind. p may be reused
// when it returns.
//
// In a stream with positions, p follows the Write before it, with all channels interleaved: see [Writer.WritePlaced].
func (w *Writer) Write(p []byte) (n int, err error) {
	if w.lanes.last != 0 && len(p) > 0 { // the server refuses both in one stream
		return w.WritePlaced(p, Next, 0)
	}
	return w.write(p)
}

func (w *Writer) write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), maxPCM-len(w.gathered))]
		if err := w.put(piece); err != nil {
			return n, err
		}
		w.lanes.added(len(piece))
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

// ReadFrom passes data from r to Write as soon as it is read, until r ends. [io.Copy] calls it. If the stream fails, it
// returns after the next read.
func (w *Writer) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, maxPCM)
	for {
		got, readErr := r.Read(buf)
		sent, err := w.Write(buf[:got])
		n += int64(sent)
		if err != nil {
			return n, err
		}
		if readErr == io.EOF {
			return n, nil
		}
		if readErr != nil {
			return n, readErr
		}
	}
}

// Flush makes the encoder write all that codec and container can without harming the stream, and returns when these
// bytes have been written to the destination. The result contains the number of samples that are still buffered.
func (w *Writer) Flush() (*audiowriterv1.StreamFlushed, error) {
	request := w.request(w.takeGathered())
	request.Flush = &audiowriterv1.Flush{}
	if err := w.send(request); err != nil {
		return nil, err
	}
	select {
	case flushed := <-w.flushed:
		return flushed, nil
	case <-w.done:
		return nil, w.err
	}
}

// Close ends the input and waits for the rest of the file. The file is complete only if it returns nil: then length, hash
// and CRC are checked, and trailer and header are written. Later calls return the same error.
func (w *Writer) Close() error {
	if !w.ended {
		_ = w.sendGathered() // an error is that of the stream
		w.sending.Lock()
		w.inputEnded = true
		w.call.closeSend()
		w.sending.Unlock()
		w.end()
	}
	return w.err
}

// Abort ends the stream without finishing the file, and waits until the destination is no longer in use. After Close it
// does nothing, so it can be deferred to clean up after errors.
func (w *Writer) Abort() {
	if !w.ended {
		w.cancel()
		w.end()
	}
}

func (w *Writer) end() {
	<-w.done
	w.ended = true
	w.err = w.settle(w.err)
}

// send keeps the request and sends it. If the call breaks, it returns when the request was sent in another call.
func (w *Writer) send(request *audiowriterv1.EncodeStreamRequest) error {
	w.sending.Lock()
	if err := w.closedError(); err != nil {
		w.sending.Unlock()
		return err
	}
	c := w.call
	if isDescription(request) {
		w.descriptions = append(w.descriptions, request)
	} else {
		w.spool.add(request.GetPcm(), request.GetFlush() != nil, placeOf(request))
	}
	err := c.stream.Send(request)
	w.sending.Unlock()
	if err == nil {
		return nil
	}
	if err == io.EOF { // the call has ended: run has the error
		<-c.over
		w.sending.Lock()
		defer w.sending.Unlock()
		return w.closedError()
	}
	w.cancel()
	<-w.done
	w.err = w.withPosition(callError(w.ctx, err, ErrTruncated))
	return w.err
}

// closedError returns the error of the stream if it has ended.
func (w *Writer) closedError() error {
	select {
	case <-w.done:
	default:
		return nil
	}
	if w.err == nil {
		return fmt.Errorf("audiowriter: write: %w", os.ErrClosed)
	}
	return w.err
}

// withPosition adds to an error how far the listener got.
func (w *Writer) withPosition(err error) error {
	if failed, ok := err.(*Error); ok {
		failed.BytesReceived, failed.InputSamples = w.assembly.size, w.inputSamples
	}
	return err
}
