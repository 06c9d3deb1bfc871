// Command audiowriter encodes a WAVE file, or raw PCM from standard input, through an audiowriter server.
//
//	audiowriter -target localhost:50051 -o out.mp3 in.wav
//	audiowriter -o out.opus -rate 24000 - < samples.s16le
//
// Samples are sent as they arrive, in messages of a second, or at once if the output is a named pipe. The output file appears
// under its name only when it is complete.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	target, output, input string
	tls                   bool
	raw                   audiowriterv1.PcmInput
	bitrate               uint
	resumeTimeout         time.Duration
}

func run(ctx context.Context, args []string, stdin io.Reader, messages io.Writer) error {
	opts, err := parse(args)
	if err != nil {
		return err
	}
	input, samples := &opts.raw, stdin
	if opts.input != "-" {
		file, err := os.Open(opts.input)
		if err != nil {
			return err
		}
		defer file.Close()
		if input, samples, err = readWAV(file); err != nil {
			return fmt.Errorf("%s: %w", opts.input, err)
		}
	}
	transport := insecure.NewCredentials()
	if opts.tls {
		transport = credentials.NewTLS(nil)
	}
	conn, err := audiowriter.Dial(opts.target, grpc.WithTransportCredentials(transport))
	if err != nil {
		return err
	}
	defer conn.Close()
	if token := os.Getenv("AUDIOWRITER_TOKEN"); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	output := &audiowriterv1.AudioOutput{}
	if opts.bitrate > 0 {
		output.Rate = &audiowriterv1.AudioOutput_BitrateBps{BitrateBps: uint32(opts.bitrate)}
	}
	if output.Format, err = formatOf(ctx, conn, opts.output); err != nil {
		return err
	}
	cfg := &audiowriterv1.StreamConfig{Input: input, Output: output}
	totals, err := encode(ctx, conn, opts, cfg, samples)
	if err != nil {
		return err
	}
	fmt.Fprintf(messages, "%s: %v, %d bytes\n", opts.output, totals.GetDuration().AsDuration(), totals.GetFileBytes())
	return nil
}

// sampleFormatNames are the accepted values of -sample-format.
const sampleFormatNames = "u8, s16le, s24le, s32le, f32le, f64le, mulaw or alaw"

func parse(args []string) (*options, error) {
	var opts options
	flags := flag.NewFlagSet("audiowriter", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "usage: audiowriter [flags] -o out.mp3 in.wav\n"+
			"       audiowriter [flags] -o out.mp3 -rate 24000 - < samples\n\n")
		flags.PrintDefaults()
		fmt.Fprintln(flags.Output(), "\nAUDIOWRITER_TOKEN in the environment is sent as the bearer token.")
	}
	flags.StringVar(&opts.target, "target", "localhost:50051", "`host:port` of the server, or several separated by commas")
	flags.BoolVar(&opts.tls, "tls", false, "use TLS and verify the server with the system's certificates")
	flags.StringVar(&opts.output, "o", "", "output `file`; its extension determines the format")
	flags.UintVar(&opts.bitrate, "bitrate", 0, "bitrate of the output in bits per second; 0: the format's default")
	flags.DurationVar(&opts.resumeTimeout, "resume-timeout", time.Minute, "how long to look for another server if the server is lost; 0: not at all")
	rate := flags.Uint("rate", 0, "sample rate of raw PCM input in `Hz`")
	channels := flags.Uint("channels", 1, "channels of raw PCM input")
	sampleFormat := flags.String("sample-format", "s16le", "sample format of raw PCM input: "+sampleFormatNames)
	_ = flags.Parse(args) // exits on errors
	if opts.output == "" || flags.NArg() != 1 {
		return nil, errors.New("audiowriter: -o and one input are required; -h prints the usage")
	}
	if opts.input = flags.Arg(0); opts.input != "-" {
		var err error
		flags.Visit(func(f *flag.Flag) {
			if f.Name == "rate" || f.Name == "channels" || f.Name == "sample-format" {
				err = fmt.Errorf("audiowriter: -%s is only for raw PCM input; it is read from the header of %s", f.Name, opts.input)
			}
		})
		return &opts, err
	}
	value, ok := audiowriterv1.SampleFormat_value["SAMPLE_FORMAT_"+strings.ToUpper(*sampleFormat)]
	if !ok {
		return nil, fmt.Errorf("audiowriter: unknown -sample-format %q: expected %s", *sampleFormat, sampleFormatNames)
	}
	opts.raw.SampleFormat = audiowriterv1.SampleFormat(value)
	opts.raw.SampleRateHz = uint32(*rate)
	opts.raw.Channels = uint32(*channels)
	return &opts, nil
}

// formatOf asks the server for its formats, so that the command supports exactly those.
func formatOf(ctx context.Context, conn grpc.ClientConnInterface, path string) (audiowriterv1.AudioFormat, error) {
	formats, err := audiowriter.ListFormats(ctx, conn)
	if err != nil {
		return 0, err
	}
	var extensions []string
	for _, format := range formats {
		extensions = append(extensions, format.GetFileExtension())
	}
	extension := strings.ToLower(filepath.Ext(path))
	i := slices.Index(extensions, extension)
	if i < 0 {
		return 0, fmt.Errorf("audiowriter: no format for %q; the server writes %s", extension, strings.Join(extensions, " "))
	}
	return formats[i].GetFormat(), nil
}

func encode(
	ctx context.Context, conn grpc.ClientConnInterface, opts *options, cfg *audiowriterv1.StreamConfig, samples io.Reader,
) (*audiowriterv1.Totals, error) {
	w, err := audiowriter.CreateFile(ctx, conn, opts.output, cfg, audiowriter.WithResumeTimeout(opts.resumeTimeout))
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	if _, err := io.Copy(w, interruptible(ctx, samples)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// interruptible reads from r until ctx ends. A read of a terminal or a pipe can't be cancelled, so it runs in a goroutine.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		_, err := io.Copy(writer, r)
		writer.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
	return reader
}
