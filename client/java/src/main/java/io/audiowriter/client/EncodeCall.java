package io.audiowriter.client;

import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.Flush;
import io.audiowriter.v1.ResumePoint;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamStarted;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;

/**
 * One EncodeStream call of a stream. gRPC calls the methods of the observer one at a time, on its own threads. All other
 * methods need the stream's lock. Flow control limits both directions: a message is sent only when the transport has
 * room, and the next one is requested only after the sink has accepted the previous one.
 */
final class EncodeCall implements ClientResponseObserver<EncodeStreamRequest, EncodeStreamResponse> {
    private final EncodeStream stream;
    /** What the call goes on with; null: a new stream. */
    private final ResumePoint resume;

    private ClientCallStreamObserver<EncodeStreamRequest> requests;
    private boolean accepted;
    private long acceptedAt;
    private int answers;
    private boolean halfClosed;

    EncodeCall(EncodeStream stream, ResumePoint resume) {
        this.stream = stream;
        this.resume = resume;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<EncodeStreamRequest> requests) {
        this.requests = requests;
        requests.disableAutoRequestWithInitial(1);
        requests.setOnReadyHandler(stream::onReady);
    }

    @Override
    public void onNext(EncodeStreamResponse response) {
        if (stream.receive(this, response)) {
            requests.request(1);
        }
    }

    @Override
    public void onError(Throwable thrown) {
        stream.onError(this, thrown);
    }

    @Override
    public void onCompleted() {
        stream.onCompleted(this);
    }

    /** Sends the first message, which is alone until a server has accepted the call. */
    void sendConfig(StreamConfig config) {
        EncodeStreamRequest.Builder first = EncodeStreamRequest.newBuilder().setConfig(config);
        if (resume != null) {
            first.setResume(resume);
        }
        requests.onNext(first.build());
    }

    /** Returns a request with PCM at its place, and then its flush. */
    static EncodeStreamRequest request(Spool.Piece piece) {
        Place place = piece.place();
        EncodeStreamRequest.Builder request =
                EncodeStreamRequest.newBuilder().setPcm(piece.pcm()).setChannel(place.channel());
        if (place.position() != Place.NEXT) {
            request.setPosition(place.position());
        }
        if (piece.flush()) {
            request.setFlush(Flush.getDefaultInstance());
        }
        return request.build();
    }

    void send(EncodeStreamRequest request) {
        requests.onNext(request);
    }

    /** Ends the PCM, unless that was done. */
    void halfClose() {
        if (!halfClosed) {
            halfClosed = true;
            requests.onCompleted();
        }
    }

    void cancel(Throwable cause) {
        requests.cancel("cancelled by the client", cause);
    }

    /** Whether the transport has room. */
    boolean isReady() {
        return requests.isReady();
    }

    boolean isHalfClosed() {
        return halfClosed;
    }

    /**
     * Takes the first response.
     *
     * @return false if the server ignored the resume point, because it is older than this field
     */
    boolean accept(StreamStarted started) {
        if (resume != null && resume.getOffset() > 0 && started.getSerial() != resume.getSerial()) {
            return false;
        }
        accepted = true;
        acceptedAt = System.nanoTime();
        return true;
    }

    /** Whether a server has accepted the call. */
    boolean isAccepted() {
        return accepted;
    }

    /** How long ago that was, in ns; 0 if no server has accepted the call. */
    long acceptedNanos() {
        return accepted ? System.nanoTime() - acceptedAt : 0;
    }

    /** Counts an answer to a flush, and returns how many there were in this call. */
    int countAnswer() {
        return ++answers;
    }
}
