package audiowriter_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func TestEachServerOfAListIsVerifiedByItsName(t *testing.T) {
	web := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	certificate, roots := web.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(web.Certificate())
	web.Close()
	serveTLS := func() string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
		play := func(stream serverStream) error { return play(stream, whole) }
		audiowriterv1.RegisterAudioWriterServiceServer(server, scripted{script: play})
		go server.Serve(listener)
		t.Cleanup(server.Stop)
		return listener.Addr().String()
	}
	conn, err := audiowriter.Dial(serveTLS()+","+serveTLS(),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 4 {
		w, err := audiowriter.NewWriter(limited(t), conn, io.Discard, mono24k(wav))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTransportCredentialsAreRequired(t *testing.T) {
	if conn, err := audiowriter.Dial("127.0.0.1:50051"); err == nil {
		conn.Close()
		t.Error("no error")
	}
}
