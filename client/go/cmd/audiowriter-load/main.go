// Command audiowriter-load loads an audiowriter server, or a command that encodes standard input to standard output, with
// many live streams, and prints what it measured as one JSON object.
//
//	audiowriter-load -target localhost:50051 -format mp3 -bitrate 64000 -streams 50 -pcm speech.s16le
//	audiowriter-load -streams 50 -pcm speech.s16le -- ffmpeg -f s16le -ar 24000 -ac 1 -i pipe:0 -f mp3 pipe:1
//
// The load is open: a frame has the time at which a live source would give it, and is sent then, however slow the other
// side is; latency is counted from that time. README.md in benchmarks tells what the figures mean.
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

// frameSamples is the length of a frame.
func (o *options) frameSamples() int { return int(o.frame.Seconds() * float64(o.rate)) }

func parse(args []string) (*options, error) {
	o := &options{config: &audiowriterv1.StreamConfig{}}
	flags := flag.NewFlagSet("audiowriter-load", flag.ContinueOnError)
	target := flags.String("target", "127.0.0.1:50051", "`host:port` of the server; streams go to several in turn")
	format := flags.String("format", "mp3", "format of the file, as the contract names it")
	bitrate := flags.Uint("bitrate", 0, "bits a second; 0: the format's default")
	page := flags.Uint("page-ms", 0, "longest page, in ms; 0: the format's default")
	flags.IntVar(&o.connections, "connections", 0, "connections to each target; 0: one for each 50 streams")
	flags.IntVar(&o.streams, "streams", 10, "streams at a time")
	flags.IntVar(&o.rounds, "rounds", 1, "streams one after the other in each place")
	flags.IntVar(&o.rate, "rate", 24000, "sample rate of the PCM in `Hz`")
	flags.DurationVar(&o.frame, "frame", 20*time.Millisecond, "audio in one message")
	flags.Float64Var(&o.seconds, "seconds", 10, "audio in one stream, in seconds")
	flags.BoolVar(&o.bulk, "bulk", false, "send as fast as the other side takes it, instead of in real time")
	flags.DurationVar(&o.ramp, "ramp", time.Second, "time over which the starts of the streams are spread")
	flags.DurationVar(&o.settle, "settle", time.Second/2, "time between the last start and the first measurement")
	flags.StringVar(&o.pcm, "pcm", "", "`file` of mono S16LE, repeated as needed")
	flags.StringVar(&o.schedule, "schedule", "", "`file` of what a stream alone gives; recorded and written if there is none")
	pids := flags.String("pids", "", "processes of the server, with commas: their CPU time and memory are measured")
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
	o.config.Output = &audiowriterv1.AudioOutput{Format: audiowriterv1.AudioFormat(value), PageMs: uint32(*page)}
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
		return errors.New("-streams, -rounds, -frame and -seconds must give at least one frame")
	case o.rounds > 1 && len(o.command) > 0 && !o.bulk:
		// The CPU time of a process can't be read once it is gone.
		return errors.New("-rounds is for a server")
	case !o.bulk && o.window() <= 0:
		return errors.New("streams end before -ramp and -settle are over: raise -seconds")
	}
	return nil
}

// window is the time in which all streams are live: what is measured in real time is measured then.
func (o *options) window() time.Duration {
	const margin = 250 * time.Millisecond // For reading the memory of many processes before the first one ends.
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

// readFrames gives the frames of a whole stream; without a file, of a tone with some noise in it.
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
		return nil, fmt.Errorf("%s: less than one frame", o.pcm)
	}
	pcm = append(pcm, pcm[:size]...) // A frame may run over the end.
	period := len(pcm) - size
	frames := make([][]byte, o.frames())
	for i := range frames {
		start := i * size % period
		frames[i] = pcm[start : start+size]
	}
	return frames, nil
}
