package audiowriter_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// domain is that of the service's errors.
const domain = "audiowriter.v1.AudioWriterService"

type serverStream = grpc.BidiStreamingServer[audiowriterv1.EncodeStreamRequest, audiowriterv1.EncodeStreamResponse]

// scripted is a server that breaks the contract on purpose, as the real one never does.
type scripted struct {
	audiowriterv1.UnimplementedAudioWriterServiceServer
	script func(serverStream) error
}

func (s scripted) EncodeStream(stream serverStream) error { return s.script(stream) }

func serve(t *testing.T, script func(serverStream) error) (target string) {
	t.Helper()
	return serveService(t, scripted{script: script})
}

func serveService(t *testing.T, service audiowriterv1.AudioWriterServiceServer) (target string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	audiowriterv1.RegisterAudioWriterServiceServer(server, service)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func dialTarget(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := audiowriter.Dial(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func started() *audiowriterv1.EncodeStreamResponse {
	return &audiowriterv1.EncodeStreamResponse{
		Event: &audiowriterv1.EncodeStreamResponse_Started{Started: &audiowriterv1.StreamStarted{}},
	}
}

func chunk(offset int64, data string) *audiowriterv1.EncodeStreamResponse {
	return &audiowriterv1.EncodeStreamResponse{
		Event: &audiowriterv1.EncodeStreamResponse_Chunk{Chunk: &audiowriterv1.EncodedChunk{Offset: offset, Data: []byte(data)}},
	}
}

// totalsOf are the totals of a stream of these bytes, whose file has these others.
func totalsOf(sent, file string) *audiowriterv1.Totals {
	sum := sha256.Sum256([]byte(sent))
	crc := crc32.Checksum([]byte(file), crc32.MakeTable(crc32.Castagnoli))
	return &audiowriterv1.Totals{FileBytes: int64(len(sent)), SentSha256: sum[:], FileCrc32C: crc}
}

func finished(header, trailer string, totals *audiowriterv1.Totals) *audiowriterv1.EncodeStreamResponse {
	return &audiowriterv1.EncodeStreamResponse{
		Event: &audiowriterv1.EncodeStreamResponse_Finished{Finished: &audiowriterv1.StreamFinished{
			Header: []byte(header), Trailer: []byte(trailer), Totals: totals,
		}},
	}
}

// whole are the responses of a correct stream: "abcd" as streamed, "ABcd" after its header is written.
var whole = []*audiowriterv1.EncodeStreamResponse{
	started(), chunk(0, "ab"), chunk(2, "c"), finished("AB", "d", totalsOf("abcd", "ABcd")),
}

func play(stream serverStream, responses []*audiowriterv1.EncodeStreamResponse) error {
	for {
		if _, err := stream.Recv(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if responses[0].GetStarted() != nil {
			if err := stream.Send(responses[0]); err != nil {
				return err
			}
			responses = responses[1:]
		}
	}
	for _, response := range responses {
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

// ending are the responses of whole, with another last one.
func ending(header, trailer string, totals *audiowriterv1.Totals) []*audiowriterv1.EncodeStreamResponse {
	return []*audiowriterv1.EncodeStreamResponse{whole[0], whole[1], whole[2], finished(header, trailer, totals)}
}

func TestFaultyStreamsReturnErrors(t *testing.T) {
	good := totalsOf("abcd", "ABcd")
	for name, test := range map[string]struct {
		responses []*audiowriterv1.EncodeStreamResponse
		want      error
	}{
		"whole":           {whole, nil},
		"no finished":     {whole[:3], audiowriter.ErrTruncated},
		"chunk missing":   {[]*audiowriterv1.EncodeStreamResponse{whole[0], whole[2], whole[3]}, audiowriter.ErrCorrupt},
		"tail missing":    {[]*audiowriterv1.EncodeStreamResponse{whole[0], whole[1], whole[3]}, audiowriter.ErrCorrupt},
		"other bytes":     {[]*audiowriterv1.EncodeStreamResponse{whole[0], whole[1], chunk(2, "x"), whole[3]}, audiowriter.ErrCorrupt},
		"other length":    {ending("AB", "d", &audiowriterv1.Totals{FileBytes: 5, SentSha256: good.SentSha256, FileCrc32C: good.FileCrc32C}), audiowriter.ErrCorrupt},
		"other SHA-256":   {ending("AB", "d", totalsOf("abcx", "ABcd")), audiowriter.ErrCorrupt},
		"other header":    {ending("AX", "d", good), audiowriter.ErrCorrupt},
		"no header":       {ending("", "d", good), audiowriter.ErrCorrupt},
		"no totals":       {ending("AB", "d", nil), audiowriter.ErrCorrupt},
		"long header":     {ending(strings.Repeat("A", 100), "d", good), audiowriter.ErrCorrupt},
		"short header":    {ending("A", "d", totalsOf("abcd", "Abcd")), nil},
		"unknown event":   {[]*audiowriterv1.EncodeStreamResponse{whole[0], {}, whole[1], whole[2], whole[3]}, nil},
		"unasked flushed": {[]*audiowriterv1.EncodeStreamResponse{whole[0], flushed(), flushed(), whole[1], whole[2], whole[3]}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			target := serve(t, func(stream serverStream) error { return play(stream, test.responses) })
			var dst bytes.Buffer
			w, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), &dst, mono24k(wav))
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); !errors.Is(err, test.want) {
				t.Errorf("%v, expected %v", err, test.want)
			}
			if test.want == nil && dst.String() != "abcd" {
				t.Errorf("%q written", dst.String())
			}
		})
	}
}

func flushed() *audiowriterv1.EncodeStreamResponse {
	return &audiowriterv1.EncodeStreamResponse{
		Event: &audiowriterv1.EncodeStreamResponse_Flushed{Flushed: &audiowriterv1.StreamFlushed{}},
	}
}

func TestFinishedBeforeTheEndOfInputIsTruncated(t *testing.T) {
	target := serve(t, func(stream serverStream) error {
		for _, response := range whole {
			if err := stream.Send(response); err != nil {
				return err
			}
		}
		return nil
	})
	w, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), io.Discard, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Write(tone(1))
	}
	if !errors.Is(err, audiowriter.ErrTruncated) {
		t.Error(err)
	}
}

func TestStreamThatStartsWithoutStartedIsAnError(t *testing.T) {
	target := serve(t, func(stream serverStream) error { return stream.Send(whole[1]) })
	if _, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), io.Discard, mono24k(wav)); err == nil {
		t.Error("no error")
	}
}

func TestRefusedStreamIsSentToAnotherServer(t *testing.T) {
	var refusals atomic.Int32
	draining := serve(t, func(serverStream) error {
		refusals.Add(1)
		return status.Error(codes.Unavailable, "server is draining")
	})
	taking := serve(t, func(stream serverStream) error { return play(stream, whole) })
	ctx, conn := limited(t), dialTarget(t, draining+","+taking)
	// Repeat until the connection to the draining server is established as well.
	for round := 0; round < 4 || refusals.Load() == 0; round++ {
		var dst bytes.Buffer
		w, err := audiowriter.NewWriter(ctx, conn, &dst, mono24k(wav))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if dst.String() != "abcd" {
			t.Errorf("%q written", dst.String())
		}
	}
}

func TestErrorHasReasonAndRetryDelay(t *testing.T) {
	target := serve(t, func(serverStream) error {
		st, err := status.New(codes.ResourceExhausted, "16 streams are live").WithDetails(
			&errdetails.ErrorInfo{Domain: domain, Reason: "STREAMS_EXCEEDED", Metadata: map[string]string{"value": "16"}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)})
		if err != nil {
			return err
		}
		return st.Err()
	})
	_, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), io.Discard, mono24k(wav))
	var full *audiowriter.Error
	if !errors.As(err, &full) {
		t.Fatal(err)
	}
	if full.Reason != "STREAMS_EXCEEDED" || full.Metadata["value"] != "16" || full.RetryAfter != 3*time.Second {
		t.Errorf("%+v", full)
	}
}
