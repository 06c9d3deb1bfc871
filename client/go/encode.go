package audiowriter

import (
	"context"
	"crypto/sha256"
	"fmt"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Encode encodes pcm, all samples of a short file, in one call. The request and the response are each limited by the
// server and by the connection, to 4 MiB by default. A call that a server refuses is sent to another server if conn
// balances between several; a call whose connection breaks is not repeated. Errors of the call are [*Error].
func Encode(
	ctx context.Context, conn grpc.ClientConnInterface, cfg *audiowriterv1.StreamConfig, pcm []byte,
) (*audiowriterv1.EncodeResponse, error) {
	request := &audiowriterv1.EncodeRequest{Config: cfg, Pcm: pcm}
	var response *audiowriterv1.EncodeResponse
	err := retryRefused(ctx, func() (err error) {
		response, err = audiowriterv1.NewAudioWriterServiceClient(conn).Encode(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, finished := response.GetFile(), response.GetFinished()
	if sum := sha256.Sum256(file); string(finished.GetSha256()) != string(sum[:]) {
		return nil, fmt.Errorf("%w: SHA-256 %x, expected %x", ErrCorrupt, sum, finished.GetSha256())
	}
	return response, nil
}

// ListFormats returns the formats of the server with their sample rates, channels and settings. Errors are [*Error].
func ListFormats(ctx context.Context, conn grpc.ClientConnInterface) ([]*audiowriterv1.FormatInfo, error) {
	response, err := audiowriterv1.NewAudioWriterServiceClient(conn).ListFormats(ctx, &audiowriterv1.ListFormatsRequest{})
	if err != nil {
		return nil, callError(ctx, err)
	}
	return response.GetFormats(), nil
}
