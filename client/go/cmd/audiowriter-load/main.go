// Command audiowriter-load loads an audiowriter server, or a command that encodes standard input to standard output, with
// many live streams, and prints what it measured as one JSON object.
//
//	audiowriter-load -target localhost:50051 -format mp3 -bitrate 64000 -streams 50 -pcm speech.s16le
//	audiowriter-load -streams 50 -pcm speech.s16le -- ffmpeg -f s16le -ar 24000 -ac 1 -i pipe:0 -f mp3 pipe:1
//
// The load is open: each frame has a due time, as from a live source, and is sent then, however slow the other side is.
// Latency is counted from the due time. docs/performance.md explains the figures.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// sampleBytes is the width of a sample: the load is mono S16LE.
const sampleBytes = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "audiowriter-load:", err)
		os.Exit(1)
	}
}

type options struct {
	targets      []string
	command      []string
	config       *audiowriterv1.StreamConfig
	connections  int
	streams      int
	rounds       int
	rate         int
	frame        time.Duration
	seconds      float64
	bulk         bool
	ramp, settle time.Duration
	pcm          string
	schedule     string
	pids         []int
}

// frames is the number of frames in a stream.
func (o *options) frames() int { return int(o.seconds / o.frame.Seconds()) }

// frameSamples is the number of samples in a frame.
func (o *options) frameSamples() int { return int(o.frame.Seconds() * float64(o.rate)) }

func parse(args []string) (*options, error) {
	o := &options{config: &audiowriterv1.StreamConfig{}}
	flags := flag.NewFlagSet("audiowriter-load", flag.ContinueOnError)
	target := flags.String("target", "127.0.0.1:50051", "`host:port` of the server; several, separated by commas, are used in turn")
	format := flags.String("format", "mp3", "output format, by its name in the proto, such as aac_adts")
	bitrate := flags.Uint("bitrate", 0, "output bitrate in bits per second; 0: the format's default")
	page := flags.Duration("page", 0, "maximum duration of the audio in one page; 0: the format's default")
	flags.IntVar(&o.connections, "connections", 0, "connections per target; 0: one per 50 streams")
	flags.IntVar(&o.streams, "streams", 10, "concurrent streams")
	flags.IntVar(&o.rounds, "rounds", 1, "streams that run one after the other, for each concurrent stream")
	flags.IntVar(&o.rate, "rate", 24000, "sample rate of the PCM in `Hz`")
	flags.DurationVar(&o.frame, "frame", 20*time.Millisecond, "duration of the audio in one message")
	flags.Float64Var(&o.seconds, "seconds", 10, "duration of the audio in one stream, in seconds")
	flags.BoolVar(&o.bulk, "bulk", false, "send as fast as possible instead of in real time")
	flags.DurationVar(&o.ramp, "ramp", time.Second, "time over which the starts of the streams are spread")
	flags.DurationVar(&o.settle, "settle", time.Second/2, "time between the last start and the first measurement")
	flags.StringVar(&o.pcm, "pcm", "", "`file` of mono S16LE, repeated as needed")
	flags.StringVar(&o.schedule, "schedule", "", "`file` with the output schedule of a single stream; recorded if it does not exist")
	pids := flags.String("pids", "", "process IDs of the server, separated by commas: their CPU time and memory are measured")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.command = flags.Args()
	o.targets = strings.Split(*target, ",")
	value, ok := audiowriterv1.AudioFormat_value["AUDIO_FORMAT_"+strings.ToUpper(*format)]
	if !ok {
		return nil, fmt.Errorf("unknown -format %q", *format)
	}
	o.config.Input = &audiowriterv1.PcmInput{SampleRateHz: uint32(o.rate), Channels: 1}
	o.config.Output = &audiowriterv1.AudioOutput{Format: audiowriterv1.AudioFormat(value)}
	if *page > 0 {
		o.config.Output.Page = durationpb.New(*page)
	}
	if *bitrate > 0 {
		o.config.Output.Rate = &audiowriterv1.AudioOutput_BitrateBps{BitrateBps: uint32(*bitrate)}
	}
	for _, text := range strings.FieldsFunc(*pids, func(r rune) bool { return r == ',' }) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-pids: %w", err)
		}
		o.pids = append(o.pids, pid)
	}
	return o, o.check()
}

func (o *options) check() error {
	switch {
	case o.streams < 1 || o.rounds < 1 || o.frame <= 0 || o.frames() < 1:
		return errors.New("-streams, -rounds, -frame and -seconds must result in at least one frame")
	case o.rounds > 1 && len(o.command) > 0 && !o.bulk:
		// The CPU time of a process can't be read after it has ended.
		return errors.New("-rounds requires a server: a command runs one stream")
	case !o.bulk && o.window() <= 0:
		return errors.New("-seconds must be longer than -ramp and -settle together")
	}
	return nil
}

// window is the time in which all streams are live. Real-time loads are measured only then.
func (o *options) window() time.Duration {
	const margin = 250 * time.Millisecond // time to read the memory of many processes before the first one ends
	return time.Duration(o.rounds)*time.Duration(o.frames())*o.frame - o.ramp - o.settle - margin
}

func run(ctx context.Context, args []string, output io.Writer) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	frames, err := readFrames(o)
	if err != nil {
		return err
	}
	open, closeAll, err := o.opener()
	if err != nil {
		return err
	}
	defer closeAll()
	schedule, err := o.readSchedule(ctx, open, frames)
	if err != nil {
		return err
	}
	report, err := newLoad(o, open, frames, schedule).run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(output).Encode(report)
}

func (o *options) opener() (opener, func(), error) {
	if len(o.command) > 0 {
		return commandOpener(o.command), func() {}, nil
	}
	return serverOpener(o)
}

// readFrames returns the frames of one stream, read from the file or, without one, made of a tone with some noise.
func readFrames(o *options) ([][]byte, error) {
	pcm := hum(o.rate)
	if o.pcm != "" {
		var err error
		if pcm, err = os.ReadFile(o.pcm); err != nil {
			return nil, err
		}
	}
	size := o.frameSamples() * sampleBytes
	if len(pcm) < size {
		return nil, fmt.Errorf("%s: shorter than one frame", o.pcm)
	}
	pcm = append(pcm, pcm[:size]...) // a frame may wrap around the end
	period := len(pcm) - size
	frames := make([][]byte, o.frames())
	for i := range frames {
		start := i * size % period
		frames[i] = pcm[start : start+size]
	}
	return frames, nil
}
