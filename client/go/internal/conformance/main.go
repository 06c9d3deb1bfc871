// Command conformance is the Go driver of the clients' conformance set. It reads one case per line from stdin and writes
// its outcome as one line to stdout. The README of the conformance set describes the fields.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"slices"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

type testCase struct {
	Method        string     `json:"method"`
	Target        string     `json:"target"`
	Token         string     `json:"token"`
	Config        []byte     `json:"config"`
	PCM           string     `json:"pcm"`
	Cut           []int      `json:"cut"`
	Places        [][3]int64 `json:"places"`
	Sink          string     `json:"sink"`
	DelayMs       int        `json:"delay_ms"`
	File          string     `json:"file"`
	PauseAfter    int        `json:"pause_after"`
	CancelAfter   int        `json:"cancel_after"`
	Second        bool       `json:"second"`
	Streams       int        `json:"streams"`
	ResumeTimeout float64    `json:"resume_timeout"`
	SpoolBytes    int64      `json:"spool_bytes"`
	SinkLimit     int64      `json:"sink_limit"`
	Metadata      []byte     `json:"metadata"`
	Markers       messages   `json:"markers"`
}

type outcome struct {
	Code          string      `json:"code"`
	Reason        string      `json:"reason"`
	RetryAfter    float64     `json:"retry_after"`
	Violations    [][2]string `json:"violations"`
	Totals        []byte      `json:"totals,omitempty"`
	Second        *outcome    `json:"second,omitempty"`
	BytesReceived int64       `json:"bytes_received,omitempty"`
}

// driver talks to the harness that sends the cases.
type driver struct {
	cases    *json.Decoder
	outcomes *json.Encoder
}

func main() {
	d := driver{json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)}
	for {
		var c testCase
		if err := d.cases.Decode(&c); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if err := d.outcomes.Encode(d.run(&c)); err != nil {
			log.Fatal(err)
		}
	}
}

// run makes the calls of a case concurrently and returns the outcome of the first call that failed, or of the first call.
func (d driver) run(c *testCase) *outcome {
	conn, err := audiowriter.Dial(c.Target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		result := &outcome{}
		result.fail(err)
		return result
	}
	defer conn.Close()
	outcomes := make([]*outcome, c.Streams)
	var all sync.WaitGroup
	for i := range outcomes {
		one := *c
		if i > 0 {
			one.File = fmt.Sprintf("%s.%d", c.File, i+1)
		}
		all.Add(1)
		go func() {
			defer all.Done()
			outcomes[i] = &outcome{Code: "OK"}
			if err := d.call(conn, &one, outcomes[i]); err != nil {
				outcomes[i].fail(err)
			}
		}()
	}
	all.Wait()
	if failed := slices.IndexFunc(outcomes, func(o *outcome) bool { return o.Code != "OK" }); failed >= 0 {
		return outcomes[failed]
	}
	return outcomes[0]
}

func (d driver) call(conn *grpc.ClientConn, c *testCase, result *outcome) error {
	ctx := context.Background()
	if c.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.Token)
	}
	cfg := &audiowriterv1.StreamConfig{}
	if err := proto.Unmarshal(c.Config, cfg); err != nil {
		return err
	}
	switch c.Method {
	case "list_formats":
		formats, err := audiowriter.ListFormats(ctx, conn)
		if err != nil {
			return err
		}
		return writeMessage(c.File, &audiowriterv1.ListFormatsResponse{Formats: formats})
	case "get_server_info":
		info, err := audiowriter.GetServerInfo(ctx, conn)
		if err == nil && info.GetVersion() == "" {
			return errors.New("GetServerInfo returned no version")
		}
		return err
	case "resolve_config":
		started, err := audiowriter.ResolveConfig(ctx, conn, cfg)
		if err != nil {
			return err
		}
		return writeMessage(c.File, started)
	}
	pcm, err := os.ReadFile(c.PCM)
	if err != nil {
		return err
	}
	if c.Method == "encode" {
		response, err := audiowriter.Encode(ctx, conn, cfg, pcm, c.Markers...)
		if err != nil {
			return err
		}
		return os.WriteFile(c.File, response.GetFile(), 0o600)
	}
	return d.stream(ctx, conn, c, cfg, pcm, result)
}

func (d driver) stream(
	ctx context.Context, conn *grpc.ClientConn, c *testCase, cfg *audiowriterv1.StreamConfig, pcm []byte, result *outcome,
) error {
	w, err := open(ctx, conn, c, cfg)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := d.write(w, c, pcm, result); err != nil {
		return err
	}
	if err := describe(w, c); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	result.Totals, err = proto.Marshal(w.Result())
	return err
}

func open(
	ctx context.Context, conn *grpc.ClientConn, c *testCase, cfg *audiowriterv1.StreamConfig,
) (*audiowriter.Writer, error) {
	timeout := time.Duration(c.ResumeTimeout * float64(time.Second))
	opts := []audiowriter.Option{audiowriter.WithResumeTimeout(timeout)}
	if c.SpoolBytes > 0 {
		opts = append(opts, audiowriter.WithSpoolBytes(c.SpoolBytes))
	}
	if c.Sink == "path" {
		return audiowriter.CreateFile(ctx, conn, c.File, cfg, opts...)
	}
	sink := slowSink{path: c.File, delay: time.Duration(c.DelayMs) * time.Millisecond, limit: c.SinkLimit}
	return audiowriter.NewWriter(ctx, conn, sink, cfg, opts...)
}

func (d driver) write(w *audiowriter.Writer, c *testCase, pcm []byte, result *outcome) error {
	sent := 0
	sizes := c.Cut
	for _, place := range c.Places {
		sizes = append(sizes, int(place[0]))
	}
	number := 0
	for piece := range pieces(pcm, sizes) {
		n, err := writePiece(w, c, number, piece)
		number++
		if err != nil {
			return err
		}
		sent += n
		if sent == c.PauseAfter {
			if _, err := w.Flush(); err != nil {
				return err
			}
			if err := d.pause(); err != nil {
				return err
			}
			if c.Second {
				again := *c
				again.File, again.Second, again.PauseAfter = c.File+".second", false, 0
				result.Second = d.run(&again)
			}
		}
		if sent == c.CancelAfter {
			if _, err := w.Flush(); err != nil {
				return err
			}
			w.Abort()
		}
	}
	return nil
}

// writePiece writes a piece at its place, if the case has places.
func writePiece(w *audiowriter.Writer, c *testCase, number int, piece []byte) (int, error) {
	if len(c.Places) == 0 {
		return w.Write(piece)
	}
	place := c.Places[number]
	return w.WritePlaced(piece, place[1], int(place[2]))
}

// pause waits until the server is in the state that the case requires.
func (d driver) pause() error {
	if err := d.outcomes.Encode(map[string]bool{"paused": true}); err != nil {
		return err
	}
	return d.cases.Decode(&struct{}{})
}

func (o *outcome) fail(err error) {
	o.Code = code.Code(status.Code(err)).String()
	var refused *audiowriter.Error
	switch {
	case errors.Is(err, errSink):
		o.Code = "SINK_FAILED"
	case errors.As(err, &refused):
		o.Reason, o.RetryAfter, o.BytesReceived = refused.Reason, refused.RetryAfter.Seconds(), refused.BytesReceived
		for _, violation := range refused.Violations {
			o.Violations = append(o.Violations, [2]string{violation.Field, violation.Description})
		}
	case errors.Is(err, audiowriter.ErrTruncated), errors.Is(err, audiowriter.ErrCorrupt):
		o.Code, o.Reason = "TRUNCATED", err.Error()
	default:
		o.Reason = err.Error()
	}
}

// pieces cuts PCM into pieces of these sizes, repeated as needed; without sizes it returns one piece.
func pieces(pcm []byte, sizes []int) iter.Seq[[]byte] {
	if len(sizes) == 0 {
		sizes = []int{max(1, len(pcm))}
	}
	return func(yield func([]byte) bool) {
		for turn := 0; len(pcm) > 0; turn++ {
			size := min(sizes[turn%len(sizes)], len(pcm))
			if !yield(slices.Clone(pcm[:size])) {
				return
			}
			pcm = pcm[size:]
		}
	}
}

func writeMessage(path string, message proto.Message) error {
	content, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
