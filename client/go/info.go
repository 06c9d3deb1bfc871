package audiowriter

import (
	"context"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// ListFormats returns the formats of the server with their sample rates, channels and settings. Errors are [*Error].
func ListFormats(ctx context.Context, conn grpc.ClientConnInterface) ([]*audiowriterv1.FormatInfo, error) {
	response, err := audiowriterv1.NewAudioWriterServiceClient(conn).ListFormats(ctx, &audiowriterv1.ListFormatsRequest{})
	if err != nil {
		return nil, callError(ctx, err)
	}
	return response.GetFormats(), nil
}

// ResolveConfig returns what a stream with cfg would start with: the output with all defaults filled in, and the delay. A
// config that a stream would refuse is refused with the same [*Error], whose Violations name each invalid field.
func ResolveConfig(
	ctx context.Context, conn grpc.ClientConnInterface, cfg *audiowriterv1.StreamConfig,
) (*audiowriterv1.StreamStarted, error) {
	request := &audiowriterv1.ResolveConfigRequest{Config: cfg}
	response, err := audiowriterv1.NewAudioWriterServiceClient(conn).ResolveConfig(ctx, request)
	if err != nil {
		return nil, callError(ctx, err)
	}
	return response.GetStarted(), nil
}

// GetServerInfo returns the version and the limits of the server. Errors are [*Error].
func GetServerInfo(ctx context.Context, conn grpc.ClientConnInterface) (*audiowriterv1.GetServerInfoResponse, error) {
	response, err := audiowriterv1.NewAudioWriterServiceClient(conn).GetServerInfo(ctx, &audiowriterv1.GetServerInfoRequest{})
	if err != nil {
		return nil, callError(ctx, err)
	}
	return response, nil
}
