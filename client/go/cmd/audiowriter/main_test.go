package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

func TestMain(m *testing.M) {
	target := os.Getenv("AUDIOWRITER_TARGET")
	var server *testserver.Server
	if target == "" {
		var err error
		server, err = testserver.Start()
		if errors.Is(err, testserver.ErrNone) {
			fmt.Println("SKIP: AUDIOWRITER_TARGET is unset, and", err)
			return
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Setenv("AUDIOWRITER_TARGET", server.Target)
	}
	code := m.Run()
	if server != nil {
		server.Kill()
	}
	os.Exit(code)
}

func target() string { return os.Getenv("AUDIOWRITER_TARGET") }

func TestRawInputBecomesWAV(t *testing.T) {
	pcm := bytes.Repeat([]byte{1, 2, 3, 4}, 6000)
	path := filepath.Join(t.TempDir(), "out.WAV")
	var messages strings.Builder
	err := run(t.Context(), []string{"-target", target(), "-o", path, "-rate", "24000", "-channels", "2", "-"},
		bytes.NewReader(pcm), &messages)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(messages.String(), "250ms") {
		t.Errorf("message %q", &messages)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	input, samples, err := readWAV(file)
	if err != nil {
		t.Fatal(err)
	}
	if input.GetChannels() != 2 || input.GetSampleRateHz() != 24000 {
		t.Error(input)
	}
	if got, err := io.ReadAll(samples); err != nil || !bytes.Equal(got, pcm) {
		t.Errorf("%d bytes, %v; expected %d", len(got), err, len(pcm))
	}
	mp3 := filepath.Join(t.TempDir(), "out.mp3")
	if err := run(t.Context(), []string{"-target", target(), "-bitrate", "64000", "-o", mp3, path}, nil, &messages); err != nil {
		t.Fatal(err)
	}
}

func TestUsageErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.mp3")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no output":         {[]string{"in.wav"}, "-o and one input"},
		"no input":          {[]string{"-o", path}, "-o and one input"},
		"rate of a file":    {[]string{"-o", path, "-rate", "8000", "in.wav"}, "-rate is only for raw PCM"},
		"sample format":     {[]string{"-o", path, "-rate", "8000", "-sample-format", "s20", "-"}, "s20"},
		"missing file":      {[]string{"-o", path, filepath.Join(t.TempDir(), "in.wav")}, "no such file"},
		"extension":         {[]string{"-target", target(), "-o", path + ".xyz", "-rate", "8000", "-"}, ".flac"},
		"refused by server": {[]string{"-target", target(), "-o", path, "-"}, "sample_rate_hz"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), test.args, strings.NewReader(""), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, expected %q", err, test.want)
			}
		})
	}
}

func TestInterruptUnblocksTheInputAndLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	silent, writer := io.Pipe()
	defer writer.Close()
	args := []string{"-target", target(), "-o", filepath.Join(folder, "out.mp3"), "-rate", "24000", "-"}
	if err := run(ctx, args, silent, io.Discard); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func TestTokenFromTheEnvironmentIsSent(t *testing.T) {
	var sent []string
	note := func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		sent = metadata.ValueFromIncomingContext(ctx, "authorization")
		return handler(ctx, request)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(note))
	audiowriterv1.RegisterAudioWriterServiceServer(server, audiowriterv1.UnimplementedAudioWriterServiceServer{})
	go server.Serve(listener)
	defer server.Stop()
	t.Setenv("AUDIOWRITER_TOKEN", "secret")
	args := []string{"-target", listener.Addr().String(), "-o", "out.mp3", "-"}
	if err := run(t.Context(), args, nil, io.Discard); status.Code(err) != codes.Unimplemented {
		t.Fatal(err)
	}
	if !slices.Equal(sent, []string{"Bearer secret"}) {
		t.Errorf("sent %q", sent)
	}
}
