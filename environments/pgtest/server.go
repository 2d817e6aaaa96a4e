package pgtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/environments"
)

// ServerOptions says what a private server is like. The zero value has PostgreSQL's defaults, but for durability, and is
// reached by a Unix socket.
type ServerOptions struct {
	Major    int               // as the option of that name; 0 is as in New
	Settings map[string]string // configuration parameters; fsync is off unless it is set here
	Listen   environments.Listen
	TLS      bool     // TLS on the loopback port (implies ListenLoopback), with a certificate of its own for localhost and 127.0.0.1
	HBA      []string // lines of pg_hba.conf before the usual ones (trust on the socket, scram-sha-256 on loopback)
}

// PrivateServer is a server of one test alone.
type PrivateServer struct {
	*environments.Server
	t  testing.TB
	ca string
}

// Server starts a server for this test alone, which it can stop, kill and configure. It is gone when the test ends.
// The test is skipped, with the reason, where there is no PostgreSQL server.
func Server(t testing.TB, opt ServerOptions) *PrivateServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	defer cancel()
	b, err := findBinaries(ctx, opt.Major)
	if errors.Is(err, environments.ErrNoBinaries) {
		skip(t, err.Error())
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if opt.TLS {
		opt.Listen = environments.ListenLoopback
	}
	server, err := environments.StartServer(ctx, environments.ServerOptions{
		Binaries: b, Settings: opt.Settings, Listen: opt.Listen, HBA: opt.HBA,
	})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	s := &PrivateServer{Server: server, t: t}
	t.Cleanup(s.cleanup)
	if opt.TLS {
		if err := s.enableTLS(ctx); err != nil {
			t.Fatalf("pgtest: turning on TLS: %v", err)
		}
	}
	return s
}

func (s *PrivateServer) cleanup() {
	if s.t.Failed() {
		if log, err := s.Log(); err == nil {
			s.t.Logf("pgtest: the server's log:\n%s", log)
		}
	}
	if err := s.Close(); err != nil {
		s.t.Errorf("pgtest: %v", err)
	}
}

// Connect returns a superuser's connection to a database that is closed when the test ends.
func (s *PrivateServer) Connect(ctx context.Context, database string) *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		s.t.Fatalf("pgtest: connecting: %v", err)
	}
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test may have closed or broken it
	return conn
}

// Create makes an empty database and returns the superuser's URL of it.
func (s *PrivateServer) Create(database string) string {
	s.t.Helper()
	s.Exec("postgres", "CREATE DATABASE "+ident(database))
	return s.URL(database)
}

// Exec runs statements as the superuser in a database; the test fails when they do.
func (s *PrivateServer) Exec(database, sql string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), timeout)
	defer cancel()
	if err := execURL(ctx, s.URL(database), sql); err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
}

// Restart stops the server and starts it again, with more settings if any are given.
func (s *PrivateServer) Restart(mode environments.StopMode, settings map[string]string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), timeout)
	defer cancel()
	if err := s.Stop(mode); err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
	if err := s.Start(ctx, settings); err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
}

// CAFile returns the file of the certificate that signed the server's, for sslrootcert; "" without TLS.
func (s *PrivateServer) CAFile() string { return s.ca }

func (s *PrivateServer) enableTLS(ctx context.Context) error {
	certificate, key, err := selfSigned()
	if err != nil {
		return err
	}
	certFile, err := s.WriteFile("server.crt", certificate)
	if err != nil {
		return err
	}
	keyFile, err := s.WriteFile("server.key", key)
	if err != nil {
		return err
	}
	s.ca = filepath.Join(s.t.TempDir(), "ca.crt")
	if err := os.WriteFile(s.ca, []byte(certificate), 0o600); err != nil {
		return err
	}
	if err := s.Stop(environments.StopImmediate); err != nil {
		return err
	}
	return s.Start(ctx, map[string]string{"ssl": "on", "ssl_cert_file": certFile, "ssl_key_file": keyFile})
}

// selfSigned makes a certificate for localhost, and its key, in PEM.
func selfSigned() (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("making a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("making a key: %w", err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER), nil
}
