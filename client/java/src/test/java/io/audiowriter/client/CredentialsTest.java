package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.ListFormatsRequest;
import io.audiowriter.v1.ListFormatsResponse;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uses a server with a certificate for localhost, which records the authorization header. */
@Timeout(60)
class CredentialsTest {
    private static ChannelCredentials trusted;
    private static Server server;
    private static volatile String authorization;

    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        char[] password = "password".toCharArray();
        Path file = folder.resolve("keys.p12");
        int status = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                        "-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "SAN=dns:localhost",
                        "-keystore", file.toString(), "-storepass", new String(password))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        assertEquals(0, status);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            keys.load(in, password);
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, password);
        KeyStore authorities = KeyStore.getInstance("PKCS12");
        authorities.load(null, null);
        authorities.setCertificateEntry("server", keys.getCertificate("mykey"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authorities);
        trusted = TlsChannelCredentials.newBuilder().trustManager(trust.getTrustManagers()).build();
        server = Grpc.newServerBuilderForPort(
                        0, TlsServerCredentials.newBuilder().keyManager(own.getKeyManagers()).build())
                .addService(new EmptyService())
                .intercept(new Witness())
                .build()
                .start();
    }

    @AfterAll
    static void stop() throws Exception {
        server.shutdownNow().awaitTermination();
    }

    @Test
    void theTokenIsSentAsABearerToken() throws Exception {
        try (AudioWriterClient client = AudioWriterClient.builder("localhost:" + server.getPort())
                .credentials(trusted)
                .token("secret")
                .build()) {
            client.listFormats();
        }
        assertEquals("Bearer secret", authorization);
    }

    @Test
    void aCertificateOfAnUnknownAuthorityIsRefused() {
        assertUnavailable(AudioWriterClient.builder("localhost:" + server.getPort()));
    }

    @Test
    void aCertificateForAnotherNameIsRefused() {
        assertUnavailable(
                AudioWriterClient.builder("127.0.0.1:" + server.getPort()).credentials(trusted));
    }

    @Test
    void eachTargetOfAListIsVerifiedByItsName() throws Exception {
        try (AudioWriterClient client = AudioWriterClient.builder(
                        "127.0.0.1:" + TestServer.freePort(), "localhost:" + server.getPort())
                .credentials(trusted)
                .build()) {
            client.listFormats();
        }
    }

    private static void assertUnavailable(AudioWriterClient.Builder builder) {
        try (AudioWriterClient client = builder.build()) {
            AudioWriterException e = assertThrows(AudioWriterException.class, client::listFormats);
            assertEquals(Status.Code.UNAVAILABLE, e.code());
        }
    }

    private static final class EmptyService extends AudioWriterServiceGrpc.AudioWriterServiceImplBase {
        @Override
        public void listFormats(ListFormatsRequest request, StreamObserver<ListFormatsResponse> call) {
            call.onNext(ListFormatsResponse.getDefaultInstance());
            call.onCompleted();
        }
    }

    private static final class Witness implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            authorization = headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
            return next.startCall(call, headers);
        }
    }
}
